# The shard of a row: a hash of its id, else of its input, so that a row stays where it is as rows
# come in, and its answers in that shard's cache.
((.id // [.messages, .prompt]) | tojson | explode
	| reduce .[] as $c (7; (. * 31 + $c) % 1000003)) % $shards
