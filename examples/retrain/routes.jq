# Puts a model of this machine into a route of ft-serve's routes file: in the place, and with the
# weight, of the one that stands there, else beside the others. Takes $route, $weight (where there was
# none), $to (the adapter, or the whole model), $whole, $base.

def called: .name // .model;

(if $route != "" then $route else .default // (.routes | keys_unsorted | if length == 1 then .[0] else
	error("several routes and no default: name one with ROUTE=") end) end) as $r
| if .routes[$r] then . else error("no route is called \($r)") end
| (if $whole then {model: $to} else {model: $base, adapter: $to} end) as $new
| [.routes[$r].targets[] | select(has("url") | not)] as $old
| if $old == [] then .routes[$r].targets += [$new + {weight: $weight}]
  elif $old[1:] != [] then error("route \($r) has several models of this machine: which one is in service?")
  else .routes[$r].targets |= map(if has("url") then . else del(.adapter) + $new end)
  # A candidate of that name ran beside; it has arrived.
  | .routes[$r] |= if .shadow then .shadow |= map(select(called != ($old[0] | called))) else . end end
