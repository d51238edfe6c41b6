/* The template interpreter: what Jinja2 gives for the same template (its documentation and source
 * say so), white space control first. */
#include <stdlib.h>
#include "../../lib/base/buf.h"
#include "../../lib/jinja/jinja.h"
#include "tap.h"

#define VARS \
	"{\"name\":\"World\",\"n\":3,\"x\":1.5,\"yes\":true,\"no\":false,\"nil\":null,\"big\":123456789012345678901234567890," \
	"\"list\":[3,1,2],\"words\":[\"b\",\"a\",\"C\"],\"text\":\"  a b  c \",\"uni\":\"h\xc3\xa9\xe2\x82\xac\\n\\\"q\\\"\"," \
	"\"d\":{\"b\":1,\"a\":[true,null,\"z\"]},\"people\":[{\"n\":\"x\",\"age\":3},{\"n\":\"y\",\"age\":1},{\"n\":\"x\",\"age\":2}]}"

/* The template on one line, for the test's name. */
static const char *label(const char *template)
{
	static char s[61];
	size_t i;

	for (i = 0; i < sizeof s - 1 && template[i]; i++)
		s[i] = template[i] == '\n' || template[i] == '\r' || template[i] == '#'
			       ? '|'
			       : template[i];
	s[i] = 0;
	return s;
}

static void gives(const char *template, const char *want)
{
	struct err e = ERR_INIT;
	struct jinja *t = jinja_compile(span_of(template), "t", &e);
	struct buf out = BUF_INIT;
	const char *got = e.msg;

	if (t)
		got = jinja_render(t, span_of(VARS), 0, NULL, &out, NULL, &e) ? e.msg
		      : out.data					      ? out.data
									      : "";
	ok_str(got, want, "%s", label(template));
	buf_release(&out);
	jinja_free(t);
}

static void fails(const char *template, const char *want)
{
	struct err e = ERR_INIT;
	struct jinja *t = jinja_compile(span_of(template), "t", &e);
	struct buf out = BUF_INIT;
	struct jinja_limits limits = {.steps = 2000000, .output = 1 << 20, .memory = 64 << 20};

	if (t && !jinja_render(t, span_of(VARS), 0, &limits, &out, NULL, &e))
		ok(0, "refused: %s", label(template));
	else
		ok(strstr(e.msg, want) != NULL, "refused: %s", label(template));
	if (!strstr(e.msg, want))
		printf("# got %s\n", e.msg);
	ok(out.len == 0, "and nothing is written");
	buf_release(&out);
	jinja_free(t);
}

static void white_space(void)
{
	gives("a\n", "a");
	gives("a\n\n", "a\n");
	gives("{% if yes %}\nx\n{% endif %}\ny", "x\ny");
	gives("  {% if yes %}\n  x\n  {% endif %}\ny", "  x\ny");
	gives("a {% if yes %} b {% endif %} c", "a  b  c");
	gives("a\n  {%- if yes -%}\n  b\n  {%- endif -%}\n  c", "abc");
	gives("a\n  {%+ if yes %}\nb\n{% endif %}", "a\n  b\n");
	gives("{% if yes +%}\nb{% endif %}", "\nb");
	gives("a\n  {{ n }}\n  b", "a\n  3\n  b");
	gives("a\n  {{- n -}}\n  b", "a3b");
	gives("a\n  {# note #}\nb", "a\nb");
	gives("a {#- note -#} b", "ab");
	gives("{% raw %}{{ n }}{% x %}{% endraw %}!", "{{ n }}{% x %}!");
	gives("{%- raw -%}\n a {%- endraw -%}\n b", "ab");
	gives("a\r\nb\r\n{% if yes %}\r\nc{% endif %}", "a\nb\nc");
	gives("{{ '{{' }} }} {{ {'a': {'b': 1}}.a.b }}", "{{ }} 1");
}

static void expressions(void)
{
	gives("{{ 1 + 2 * 3 ** 2 - 4 // 3 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }}",
	      "18 3.5 -4 2 -2");
	gives("{{ 6 / 3 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.5e300 * 2 }}",
	      "2.0 1e+16 1000000000000000.0 0.0001 1e-05 3e+300");
	gives("{{ 'a' ~ 1 ~ none ~ true }} {{ 'a' 'b' }} {{ 'ab' * 2 }} {{ [1] + [2] }}",
	      "a1NoneTrue ab abab [1, 2]");
	gives("{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'abc' }} {{ 4 not in list }} {{ 'b' in d }}",
	      "True False True True True");
	gives("{{ not yes or yes and no }} {{ no or 'x' }} {{ nil and 1 }}", "False x None");
	gives("{{ 'a' if yes else 'b' }}{{ 'a' if no }}{{ 'c' if no else 'd' if no else 'e' }}",
	      "ae");
	gives("{{ list[0] }}{{ list[-1] }}{{ list[1:] }}{{ list[::-1] }}{{ 'h\xc3\xa9llo'[1:3] }}{{ 'h\xc3\xa9llo'[::-1] }}",
	      "32[1, 2][2, 1, 3]\xc3\xa9loll\xc3\xa9h");
	gives("{{ list[5] is defined }}{{ d.zz is defined }}{{ d['b'] }}{{ d.a[2] }}{{ d.a.2 }}",
	      "FalseFalse1zz");
	gives("{{ undefined_thing }}|{{ undefined_thing is undefined }}", "|True");
	gives("{{ (1, 'a') }} {{ (1,) }} {{ {'a': [none, 1.0]} }} {{ \"it's\" | list | first }}",
	      "(1, 'a') (1,) {'a': [None, 1.0]} i");
	gives("{{ [\"it's\", 'say \"x\"', 'a\\nb'] }}", "[\"it's\", 'say \"x\"', 'a\\nb']");
	gives("{{ big }} {{ big | tojson }}",
	      "123456789012345678901234567890 123456789012345678901234567890");
	gives("{{ 'x\\ty\\u20acz\\x41' }}", "x\ty\xe2\x82\xaczA");
	gives("{{ 'is %s, %d of %5.2f%%' % ('it', 3, 1.234) }}", "is it, 3 of  1.23%");
	gives("{{ 10 is divisibleby 5 }}{{ 3 is odd }}{{ d is mapping }}{{ name is string and name is iterable }}{{ nil is none }}{{ yes is true }}{{ 1 is boolean }}",
	      "TrueTrueTrueTrueTrueTrueFalse");
	gives("{{ 2 is not odd }} {{ 'a' is in ['a'] }} {{ 3 is eq 3 }} {{ x is float }} {{ n is integer }} {{ x is number }}",
	      "True True True True True True");
}

static void statements(void)
{
	gives("{% for i in list %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.revindex0 }}:{{ i }} {% endfor %}",
	      "1TrueFalse2:3 2FalseFalse1:1 3FalseTrue0:2 ");
	gives("{% for i in list if i > 1 %}{{ i }}/{{ loop.length }} {% else %}none{% endfor %}",
	      "3/2 2/2 ");
	gives("{% for i in [] %}{% else %}none{% endfor %}", "none");
	gives("{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}{% for k in d %}{{ k }}{% endfor %}",
	      "b=1;a=[True, None, 'z'];ba");
	gives("{% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}",
	      "0134");
	gives("{% for i in list %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('a', 'b') }},{% endfor %}",
	      "1a,32b,1a,");
	gives("{% set a = 1 %}{% for i in list %}{% set a = a + 1 %}{% endfor %}{{ a }}", "1");
	gives("{% set ns = namespace(a=1) %}{% for i in list %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}",
	      "7");
	gives("{% if no %}a{% elif n == 3 %}b{% else %}c{% endif %}{% if nil %}d{% else %}e{% endif %}",
	      "be");
	gives("{% set x, y = 1, 2 %}{{ x }}{{ y }}{% set z %}a{{ x }}{% endset %}{{ z }}", "12a1");
	gives("{% macro m(a, b='x') %}<{{ a }}{{ b }}>{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(b=3, a=4) }}",
	      "<1x><12><43>");
	gives("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}in{% endcall %}", "[in]");
	gives("{% macro m(l) %}{% for i in l %}{{ i if i is not iterable else m(i) }}{% endfor %}{% endmacro %}{{ m([1, [2, [3]]]) }}",
	      "123");
	gives("{% filter upper %}a{{ name }}{% endfilter %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}",
	      "AWORLD3");
	gives("{% generation %}a{% endgeneration %}b", "ab");
}

static void filters(void)
{
	gives("{{ text | trim }}|{{ text.strip() }}|{{ text.lstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'xxaxx' | trim('x') }}",
	      "a b  c|a b  c|a b  c |a|a");
	gives("{{ text.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ 'a\nb'.splitlines() }}",
	      "['a', 'b', 'c']['a', 'b,c']['a,b', 'c']['a', 'b']");
	gives("{{ name | upper }}{{ name | lower }}{{ 'a b-c' | title }}{{ 'aBC' | capitalize }}{{ 'a.b' | replace('.', '!') }}",
	      "WORLDworldA B-CAbca!b");
	gives("{{ name.startswith('Wo') }}{{ name.endswith(('x', 'ld')) }}{{ name.find('r') }}{{ 'aXbX'.replace('X', '', 1) }}",
	      "TrueTrue2abX");
	gives("{{ list | join(', ') }}|{{ people | join('-', attribute='n') }}|{{ ','.join(words) }}",
	      "3, 1, 2|x-y-x|b,a,C");
	gives("{{ list | length }}{{ uni | length }}{{ d | count }}{{ list | first }}{{ list | last }}{{ list | sum }}{{ list | max }}{{ list | min }}",
	      "37232631");
	gives("{{ list | sort }}{{ words | sort }}{{ list | sort(reverse=true) }}{{ people | sort(attribute='age') | map(attribute='age') | list }}",
	      "[1, 2, 3]['a', 'b', 'C'][3, 2, 1][1, 2, 3]");
	gives("{{ people | selectattr('n', 'equalto', 'x') | map(attribute='age') | list }}{{ people | rejectattr('n', 'eq', 'x') | list | length }}",
	      "[3, 2]1");
	gives("{{ list | select('odd') | list }}{{ list | reject('gt', 1) | list }}{{ words | map('upper') | join }}",
	      "[3, 1][1]BAC");
	gives("{{ zz | default('q') }}{{ nil | default('q') }}{{ nil | d('q', true) }}{{ d.zz | default([]) | length }}",
	      "qNoneq0");
	gives("{{ d | tojson }} {{ uni | tojson }} {{ [1.0, 'a/b<c>'] | tojson }}",
	      "{\"b\": 1, \"a\": [true, null, \"z\"]} \"h\xc3\xa9\xe2\x82\xac\\n\\\"q\\\"\" [1.0, \"a/b<c>\"]");
	gives("{{ d | tojson(indent=2) }}",
	      "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    \"z\"\n  ]\n}");
	gives("{{ {} | tojson(indent=2) }}{{ d | tojson(separators=(',', ':')) }}{{ 'h\xc3\xa9' | tojson(ensure_ascii=true) }}{{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }}",
	      "{}{\"b\":1,\"a\":[true,null,\"z\"]}\"h\\u00e9\"{\"a\": 2, \"b\": 1}");
	gives("{{ '12' | int }}{{ 'x' | int(7) }}{{ '1.9' | int }}{{ 3.7 | int }}{{ '2.5' | float }}{{ -3 | abs }}{{ 2.567 | round(2) }}{{ 2.5 | round }}",
	      "127132.532.572.0");
	gives("{{ list | string }}{{ list | reverse | list }}{{ 'abc' | reverse }}{{ [1, 1, 2] | unique | list }}{{ 'a' | list }}",
	      "[3, 1, 2][2, 1, 3]cba[1, 2]['a']");
	gives("{{ d | dictsort }}{{ d | items | list }}{{ d.keys() | list }}{{ d.get('zz', 5) }}{{ d.get('zz') }}",
	      "[('a', [True, None, 'z']), ('b', 1)][('b', 1), ('a', [True, None, 'z'])]['b', 'a']5None");
	gives("{{ 'a\n\nb' | indent }}|{{ 'a\nb' | indent(2, true) }}|{{ 'a<b' | e }}",
	      "a\n\n    b|  a\n  b|a&lt;b");
	gives("{% for g in people | groupby('n') %}{{ g[0] }}{{ g[1] | length }} {% endfor %}{{ 'hello world again' | truncate(11, leeway=0) }}",
	      "x2 y1 hello...");
	gives("{{ strftime_now is defined }}{{ raise_exception is defined }}{{ 'abc'[1] }}{{ 'x'.isdigit() }}{{ '5'.isdigit() }}",
	      "FalseTruebFalseTrue");
	gives("{{ '{} {1} {x} {{}}'.format('a', 2, x=3) }}{{ ('[1, {\"a\": null}]' | from_json)[1] }}",
	      "a 2 3 {}{'a': None}");
	gives("{% set l = [1] %}{% set _ = l.append(2) %}{{ l }}{{ l.pop(0) }}{{ l }}{{ l.pop() }}{{ l }}",
	      "[1, 2]1[2]2[]");
	gives("{{ 'a<' | safe + '<' + 'b' }}{{ 'a' ~ ('<' | safe) ~ '<' }}{{ nil | map('upper') | list }}{{ nil | selectattr('x') | list }}",
	      "a<&lt;ba<<[][]");
	gives("{{ [1, 2, 3, 4, 5] | batch(2) | list }}", "[[1, 2], [3, 4], [5]]");
}

static void refusals(void)
{
	static const char *const searches[] = {"t.find(w)",
					       "t.rfind('a')",
					       "t.count(w)",
					       "t.index('a') + t.rfind(w)",
					       "w in t",
					       "t.replace(w, '')",
					       "t.split(w)",
					       "t.rsplit(w, 1)",
					       "t.startswith([t, t, t])",
					       "t | upper",
					       "t is lower",
					       "t.strip('b')",
					       "l | join('')",
					       "l | sort | unique | list",
					       "(t ~ 'b').replace('a', 'c') | length"};
	char deep[1000], *p = deep;
	int i;

	fails("a\nb {{ x | nofilter }}", "t:2: there is no filter 'nofilter'");
	fails("{% include 'x' %}", "t:1: unknown tag 'include'");
	fails("{% if x %}a", "no {% endif %}");
	fails("\n\n{{ x", "t:3: an expression is not closed");
	fails("{{ 'x }}", "string is not closed");
	fails("{{ x is odd_one }}", "there is no test");
	fails("{% endif %}", "unknown tag");
	fails("{% break %}", "outside of a loop");
	fails("{{ a.b }}", "'a' is undefined");
	fails("{{ nothing() }}", "no function 'nothing'");
	fails("{{ 'a' + 1 }}", "str + int");
	fails("{{ 1 / 0 }}", "division by zero");
	fails("{{ 9223372036854775807 + 1 }}", "64 bits");
	fails("{{ raise_exception('no ' ~ name) }}", "the template refuses: no World");
	fails("{{ list.insert(0, 1) }}", "templates may not");
	fails("{{ [].pop() }}", "pop");
	fails("{{ '{' | from_json }}", "from_json");
	fails("{{ '{:>3}'.format(1) }}", "not supported");
	fails("{% set l = [1] %}{% for i in l %}{% set _ = l.append(i) %}{% endfor %}",
	      "the template");
	fails("{% set l = [1] %}{% set _ = l.append(l) %}{{ l }}", "too deep");
	fails("{% set d.x = 1 %}", "no namespace");
	fails("{% for i in range(1000000000) %}{% endfor %}", "the template");
	fails("{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
	      "the template");
	fails("{{ 'abcdefghij' * 1000000 }}", "too long");
	fails("{% for i in range(100000) %}{{ 'abcdefghijklmnopqrstuvwxyz' }}{% endfor %}",
	      "writes more than");
	fails("{% set ns = namespace(a='x') %}{% for i in range(40) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}",
	      "memory");
	fails("{% set ns = namespace(a=[1]) %}{% for i in range(40) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a == ns.a ~ '' }}{{ ns.a }}",
	      "steps");
	/* what is looked for in a long text, over and over: each in a moment, where it took minutes */
	for (i = 0; i < (int)(sizeof searches / sizeof *searches); i++) {
		struct buf b = BUF_INIT;

		buf_addf(&b,
			 "{%% set t = 'a' * 1000000 %%}{%% set w = 'a' * 200 ~ 'b' %%}{%% set l = ('a ' * 10000).split(' ') %%}{%% for i in range(100000) %%}{%% set x = %s %%}{%% endfor %%}",
			 searches[i]);
		fails(b.data, "steps");
		buf_release(&b);
	}
	fails("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "too deep");
	for (i = 0; i < 200; i++)
		*p++ = '[';
	*p = 0;
	{
		struct buf b = BUF_INIT;

		buf_addf(&b, "{{ %s }}", deep);
		fails(b.data, "too deep");
		buf_clear(&b);
		for (i = 0; i < 200; i++)
			buf_adds(&b, "{% if x %}");
		fails(b.data, "too deep");
		buf_clear(&b);
		buf_adds(&b, "{{ ");
		for (i = 0; i < 20000; i++)
			buf_adds(&b, "not ");
		buf_adds(&b, "x }}");
		fails(b.data, "too deep");
		buf_release(&b);
	}
}

static void marks(void)
{
	struct err e = ERR_INIT;
	struct jinja *t = jinja_compile(
		span_of("a{% for i in list %}-{% generation %}{{ i }}!{% endgeneration %}{% endfor %}"),
		"t", &e);
	struct jinja_marks m = {0};
	struct buf out = BUF_INIT;
	size_t i;

	buf_adds(&out, "before ");
	ok(!jinja_render(t, span_of(VARS), 0, NULL, &out, &m, &e), "generation marks");
	ok_str(out.data, "before a-3!-1!-2!", "are rendered behind what was there");
	ok(m.n == 3, "and told");
	for (i = 0; i < m.n; i++)
		ok(m.v[i].begin == 2 + 3 * i && m.v[i].end == 4 + 3 * i,
		   "mark %zu counts from the beginning of the rendering", i);
	jinja_marks_release(&m);
	buf_release(&out);
	jinja_free(t);
	t = jinja_compile(span_of("{{ strftime_now('%d %b %Y') if strftime_now is defined else 'fixed' }}"),
			  "t", &e);
	ok(!jinja_render(t, span_of("{}"), 86400 * 365, NULL, &out, NULL, &e),
	   "a date that is given");
	ok_str(out.data, "01 Jan 1971", "is told");
	buf_release(&out);
	jinja_free(t);
}

int main(void)
{
	white_space();
	expressions();
	statements();
	filters();
	refusals();
	marks();
	return tap_done();
}
