"""A template over sets of variables, one a line, by Jinja2 itself with the settings of transformers' apply_chat_template.

	PYTHONPATH=... templates.py TEMPLATE <vars.jsonl

Prints the rendering of each as a JSON string, or {"error": reason}.
"""
import json, sys
from datetime import datetime, timezone
import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)

def fail(message):
    raise jinja2.exceptions.TemplateError(message)

def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols, Generation])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = fail
env.globals["strftime_now"] = lambda f: datetime.now(timezone.utc).strftime(f)
for line in sys.stdin if __name__ == "__main__" else ():
    try:
        print(json.dumps(env.from_string(open(sys.argv[1], newline="").read()).render(**json.loads(line)), ensure_ascii=False))
    except Exception as e:
        print(json.dumps({"error": str(e)}))
