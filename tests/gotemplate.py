#!/usr/bin/env python3
"""gotemplate.py MODELFILE <CONVERSATIONS - renders the TEMPLATE of a Modelfile as Ollama does.

Reads records with `messages`, one a line, and prints each one's text as a JSON string. It knows the part of Go's text/template that
ft-export writes: actions with their trims, variables, range, if, else if, else, end, and eq, ne, and, or, not, len, slice; anything
else is an error. As Ollama has it, System is all system messages, and messages of one role that follow each other are one."""
import json
import re
import sys


def tokens(text):
    """("text", s) and ("do", action), white space trimmed where {{- and -}} say so."""
    parts, at, trim = [], 0, False
    for m in re.finditer(r'\{\{(- )?\s*((?:"(?:\\.|[^"\\])*"|[^"}]|\}(?!\}))*?)\s*(?: (-))?\}\}', text):
        plain = text[at:m.start()]
        plain = plain.lstrip() if trim else plain
        parts.append(("text", plain.rstrip() if m.group(1) else plain))
        parts.append(("do", m.group(2)))
        at, trim = m.end(), bool(m.group(3))
    plain = text[at:]
    parts.append(("text", plain.lstrip() if trim else plain))
    if any("{{" in s for kind, s in parts if kind == "text"):
        raise SyntaxError("an action that is not closed")
    return parts


def unquote(s):
    out = bytearray()
    for m in re.finditer(rb'\\x([0-9a-f]{2})|\\(.)|([^\\])', s[1:-1].encode(), re.S):
        if m.group(1):
            out.append(int(m.group(1), 16))
        elif m.group(2):
            out += {b"n": b"\n", b'"': b'"', b"\\": b"\\"}[m.group(2)]
        else:
            out += m.group(3)
    return out.decode()


class Scope:
    def __init__(self, root):
        self.root, self.vars = root, [{}]

    def get(self, name):
        return next(v[name] for v in reversed(self.vars) if name in v)

    def set(self, name, value):
        next(v for v in reversed(self.vars) if name in v)[name] = value


def call(name, args):
    if name == "eq":
        return args[0] == args[1]
    if name == "ne":
        return args[0] != args[1]
    if name == "and":
        return next((a for a in args if not a), args[-1])
    if name == "or":
        return next((a for a in args if a), args[-1])
    if name == "not":
        return not args[0]
    if name == "len":
        return len(args[0])
    if name == "slice":
        return args[0][args[1]:]
    raise SyntaxError("no function " + name)


def value(scope, dot, text):
    words = re.findall(r'"(?:\\.|[^"\\])*"|[()]|[^\s()]+', text)

    def one():
        w = words.pop(0)
        if w == "(":
            v = pipe()
            words.pop(0)
            return v
        if w[0] == '"':
            return unquote(w)
        if w[0].isdigit():
            return int(w)
        if w.startswith("$."):
            return scope.root[w[2:]]
        if w[0] == "$":
            return scope.get(w)
        if w[0] == ".":
            return dot[w[1:]]
        raise SyntaxError("no operand " + w)

    def pipe():
        if re.fullmatch(r"[a-z]+", words[0]):
            name, args = words.pop(0), []
            while words and words[0] != ")":
                args.append(one())
            return call(name, args)
        return one()

    v = pipe()
    if words:
        raise SyntaxError("left over: " + " ".join(words))
    return v


def block(parts, at):
    """The nodes up to else or end, and where that stands."""
    nodes = []
    while at < len(parts):
        kind, s = parts[at]
        word = s.split(" ")[0] if kind == "do" else ""
        if word in ("else", "end"):
            break
        if word in ("if", "range"):
            arms, head = [], s
            while True:
                body, at = block(parts, at + 1)
                arms.append((head, body))
                head = parts[at][1]
                if head == "end":
                    break
            nodes.append((word, arms))
        else:
            nodes.append((kind, s))
        at += 1
    return nodes, at


def run(nodes, scope, dot, out):
    for kind, s in nodes:
        if kind == "text":
            out.append(s)
        elif kind == "if":
            for head, body in s:
                test = re.sub(r"^(else )?if ", "", head)
                if head == "else" or value(scope, dot, test):
                    scope.vars.append({})
                    run(body, scope, dot, out)
                    scope.vars.pop()
                    break
        elif kind == "range":
            (head, body), = s
            m = re.fullmatch(r"range (?:(\$\w*), (\$\w*) := )?(\S+)", head)
            for i, item in enumerate(value(scope, dot, m.group(3))):
                scope.vars.append({m.group(1): i, m.group(2): item})
                run(body, scope, item, out)
                scope.vars.pop()
        elif m := re.fullmatch(r"(\$\w+) (:?=) (.+)", s, re.S):
            v = value(scope, dot, m.group(3))
            if m.group(2) == ":=":
                scope.vars[-1][m.group(1)] = v
            else:
                scope.set(m.group(1), v)
        else:
            out.append(str(value(scope, dot, s)))


def main():
    found = re.search(r'^TEMPLATE """(.*?)"""$', open(sys.argv[1], encoding="utf-8").read(), re.S | re.M)
    nodes, _ = block(tokens(found.group(1)), 0)
    for line in sys.stdin:
        messages = []
        for m in json.loads(line)["messages"]:
            if messages and messages[-1]["Role"] == m["role"]:
                messages[-1]["Content"] += "\n\n" + m["content"]
            else:
                messages.append({"Role": m["role"], "Content": m["content"]})
        root = {"Messages": messages, "System": "\n\n".join(m["Content"] for m in messages if m["Role"] == "system")}
        out = []
        run(nodes, Scope(root), root, out)
        print(json.dumps("".join(out)))


main()
