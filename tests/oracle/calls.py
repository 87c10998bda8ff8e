#!/usr/bin/env python3
"""Calls of every function: the same value, the same kind of failure, and the same cost as Kubernetes' own CEL.

The functions are those that redoubt lists (functions.py shows that these are all). Each is called with arguments of its types and
of others, at the edges of what they take; texts are such as the function reads, odd and wrong ones among them.
--expressions=N generates N of them (6000), --seed=N others.
"""
import random
import re

from differential import *

VERSION = "1.36"  # of the oracle

# By type: literals that mean something to some function, and some at the edges.
ATOMS = {
    "bool": ["true", "false"],
    "int": ["0", "1", "-1", "2", "3", "7", "10", "63", "64", "100", "1000", "9223372036854775807", "-9223372036854775808",
            "0x7f", "1700000000", "253402300799", "-62135596801"],
    "uint": ["0u", "1u", "2u", "5u", "18446744073709551615u", "9223372036854775808u", "0xFFu"],
    "double": ["0.0", "-0.0", "1.0", "-1.5", "2.5", "3.0", "1e300", "1e-300", "0.1", "9223372036854775807.0", "1e19",
               "double('NaN')", "double('Infinity')", "double('-Infinity')", "4611686018427387904.0", "123456789.125"],
    "string": ["''", "'a'", "'b'", "'abc'", "'aXbXc'", "'héllo'", "'日本語'", "'😀a😀'", "'  x\\t\\n'", "'A-b_c.d'", "'0'", "'-12'", "'1.5'",
               "'true'", "'T'", "'NaN'", "'+Inf'", "'0x1p-2'", "'1_000'", "'\\u00e9'", "'e\\u0301'", "'\\u2028'", "'\\U0001F600'",
               "'a/b/c'", "'x=1,y!=2'", "'a in (b,c)'", "'metadata.name=x'", "'/a~b'", "'%s|%d'", "'aaa'", "'Straße'", "'\\x00'",
               "'\"q\"'", "r'\\d+'", "'\\\\'"],
    "bytes": ["b''", "b'a'", "b'abc'", "b'\\xff\\xfe'", "b'\\303\\251'", "bytes('日')"],
    "duration": ["duration('0s')", "duration('1h')", "duration('-1.5s')", "duration('1ns')", "duration('2562047h47m16s')",
                 "duration('1h2m3.004005006s')"],
    "timestamp": ["timestamp(0)", "timestamp('2024-02-29T23:59:59.999999999Z')", "timestamp('0001-01-01T00:00:00Z')",
                  "timestamp('9999-12-31T23:59:59.999999999Z')", "timestamp('2023-03-26T02:30:00+02:00')",
                  "timestamp('1969-12-31T23:59:59Z')", "timestamp(1700000000)"],
    "null": ["null"],
    "type": ["int", "string", "list", "map", "type", "null_type", "net.IP", "optional_type", "type(1)", "google.protobuf.Duration"],
    "net.IP": ["ip('1.2.3.4')", "ip('::1')", "ip('fe80::1')", "ip('255.255.255.255')", "ip('224.0.0.1')", "ip('::')", "ip('2001:db8::1')"],
    "net.CIDR": ["cidr('10.0.0.0/8')", "cidr('10.1.2.3/16')", "cidr('::/0')", "cidr('2001:db8::/33')", "cidr('1.2.3.4/32')"],
    "kubernetes.URL": ["url('https://user:pw@example.com:8080/a%20b?x=1&x=2&y=%41#f')", "url('http://[::1]:80/')", "url('/a/b?c')",
                       "url('mailto:a@b.c')", "url('http://EXAMPLE.com')"],
    "kubernetes.Quantity": ["quantity('1')", "quantity('1Gi')", "quantity('1.5k')", "quantity('100m')", "quantity('-3Mi')",
                            "quantity('1e3')", "quantity('12E')", "quantity('0.000000001')", "quantity('9223372036854775807')",
                            "quantity('1n')", "quantity('0')"],
    "kubernetes.Semver": ["semver('1.2.3')", "semver('0.0.1-alpha.1+b.2')", "semver('1.0.0-rc.1')", "semver('v1.2', true)",
                          "semver('18446744073709551615.0.0')", "semver('01.2.3', true)"],
    "kubernetes.NamedFormat": ["format.dns1123Label()", "format.named('uuid').value()", "format.date()", "format.datetime()",
                               "format.byte()", "format.uri()", "format.labelValue()", "format.qualifiedName()", "format.dns1035Label()",
                               "format.dns1123Subdomain()", "format.dns1123LabelPrefix()", "format.uuid()"],
}
# Texts that some function reads: valid, odd and wrong ones.
TEXTS = {
    "timestamp": ["2024-02-29T12:00:00Z", "2023-02-29T12:00:00Z", "2024-02-29T12:00:00.5+05:30", "2024-2-9T1:2:3Z", "0000-01-01T00:00:00Z",
                  "2024-06-30T23:59:60Z", "2024-01-01t00:00:00z", "10000-01-01T00:00:00Z", "2024-01-01T00:00:00,5Z"],
    "duration": ["1h", "1.5h", "-1h1m", "+5s", "1d", "", "1", ".5s", "1us", "1µs", "1μs", "9223372036854775807ns", "1e3s", "3000000h"],
    "zone": ["UTC", "", "Local", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "+05:30", "-08:00", "05:30",
             "02:00", "Nowhere/X", "+25:00", "-00:30", "1:2", "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca", "+1", "EST5EDT"],
    "ip": ["1.2.3.4", "1.2.3.04", "256.1.1.1", "::ffff:1.2.3.4", "fe80::1%eth0", "::1", "2001:DB8::1", "1.2.3", ":::", "0:0:0:0:0:0:0:1",
           "1.2.3.4.5", "::ffff:0:0", "1:2:3:4:5:6:7::", " 1.2.3.4"],
    "cidr": ["10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/33", "::1/128", "::/129", "10.0.0.0", "10.0.0.0/08", "10.0.0.0/+8", "fe80::%e/64",
             "::ffff:1.2.3.4/120", "1.2.3.4/0"],
    "url": ["https://example.com/a?b=c#d", "http://[::1]:8080/", "http://a b/", "://x", "/rel", "http://x:y@h:99999/", "http://h:port/",
            "http://%41/", "HTTP://H/%zz", "mailto:x", "http://h/?a=1&a=2;b", "http://h?%", "", "//h/p", "http://ex.com:/", "a:b:c",
            "http://h/a%2Fb", "http://[fe80::1%25en0]/", "http://\x7f/"],
    "quantity": ["1", "1.5Gi", "1e3", "1E3", "1E", "100m", "-1", "+1", "1.", ".5", "1Ki", "1ki", "0.1n", "1e-10", "", "1 ", "99999999999999999999",
                 "1e1000", "0x1", "1.0000000000000000001", "9.5Ei", "0.5u", "1Zi", "-0", "1e+3", "12345678901234567890n"],
    "semver": ["1.2.3", "v1.2.3", "1.2", "1", "01.2.3", "1.2.3-", "1.2.3-a.b+c", "1.2.3+", "1.2.3-01", "1.2.3.4", "", "99999999999999999999.0.0",
               "1.2.3-é", "1.0.0-0A", "V1.2.3", " 1.2.3"],
    "regex": ["a", "^a.*c$", "[a-z]+", "(a)(b)?", "(?i)ABC", "\\\\d", "\\\\pL+", "a{2,3}", "a{1001}", "(", "[", "*", "a**", "\\\\", "(?=a)", "(?P<n>x)",
              "(?<n>x)", "\\\\C", "x*", "", ".", "\\\\b", "[[:alpha:]]", "(?s).", "\\\\1", "a|b|", "[^a]", "\\\\Qa.b\\\\E", "(((((a+)+)+)+)+)$",
              "\\\\p{Greek}", "\\\\p{Nope}", "(?U)a+", "\\\\x{1F600}", "[\\\\d-z]", "a{,2}", "^*", "é"],
    "format": ["%s", "%d", "%f", "%.2f", "%e", "%.3e", "%x", "%X", "%o", "%b", "%%", "%", "%q", "%s %s", "%5d", "%.f", "%.", "%s%", "é%s",
               "%.10f", "%.0f", "%.40f", "%c"],
    "name": ["dns1123Label", "dns1123Subdomain", "dns1035Label", "qualifiedName", "labelValue", "uri", "uuid", "byte", "date", "datetime",
             "dns1123LabelPrefix", "dns1123SubdomainPrefix", "dns1035LabelPrefix", "nope", ""],
    "label": ["a", "a-b", "-a", "A", "a.b", "a" * 63, "a" * 64, "a/b", "/b", "", "é", "2024-02-29", "2024-02-30", "YWJj", "YW Jj", "a_b",
              "123e4567-e89b-12d3-a456-426614174000", "http://x/y", "x.y/z", "0a", "a..b", "2024-01-01T00:00:00.5Z", "YWI"],
}
# What texts a function reads, by its name and the position of the argument (the receiver is 0).
READERS = {
    "timestamp": {0: "timestamp"}, "duration": {0: "duration"}, "ip": {0: "ip"}, "isIP": {0: "ip"}, "ip.isCanonical": {0: "ip"},
    "cidr": {0: "cidr"}, "isCIDR": {0: "cidr"}, "containsIP": {1: "ip"}, "containsCIDR": {1: "cidr"}, "url": {0: "url"},
    "isURL": {0: "url"}, "quantity": {0: "quantity"}, "isQuantity": {0: "quantity"}, "semver": {0: "semver"}, "isSemver": {0: "semver"},
    "matches": {1: "regex"}, "find": {1: "regex"}, "findAll": {1: "regex"}, "format": {0: "format"}, "format.named": {0: "name"},
    "validate": {1: "label"},
    **{name: {1: "zone"} for name in ("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear", "getHours",
                                      "getMinutes", "getSeconds", "getMilliseconds")},
}
VARIABLES = {
    "o": {"a": 1, "b": "x", "c": [1, 2, 3], "d": {"e": None, "f": "g"}, "h": 1.5, "i": True, "big": 9007199254740993, "n": None,
          "s": ["x", "y", ""], "m": {"k": "v"}, "t": "2024-02-29T12:00:00Z", "q": "1Gi", "mixed": [1, "a", None, 2.5, [1], {}], "u": "日本"},
    "l": [3, 1, 2, 1], "e": [], "z": {}, "n": None,
}
KINDS = [k for k in ATOMS if k not in ("null", "type")]
COMPARED = ("<", "<=", ">", ">=", "==", "!=")


def parse_type(text):
    """"list(A)" as ("list", [("A", [])]), and what follows it."""
    name = re.match(r"[\w.]+", text).group()
    rest, params = text[len(name):], []
    if rest.startswith("("):
        rest = rest[1:]
        while True:
            param, rest = parse_type(rest.lstrip(" "))
            params.append(param)
            if rest.startswith(")"):
                rest = rest[1:]
                break
            rest = rest[1:]
    return (name, params), rest


def parse_signature(line):
    """(name, is it a method, parameter types, result type)"""
    depth, head = 0, None
    for i, c in enumerate(line):  # the parenthesis of the parameters is the first at depth 0 whose end no dot follows
        if c == "(":
            if depth == 0:
                start = i
            depth += 1
        elif c == ")":
            depth -= 1
            if depth == 0 and line[i + 1:i + 2] != ".":
                head = line[:start]
                break
    params, rest = [], line[start + 1:]
    while not rest.startswith(")"):
        param, rest = parse_type(rest.lstrip(", "))
        params.append(param)
    result, _ = parse_type(rest[2:])
    receiver, _, name = head.rpartition(".")
    if receiver:
        try:
            parsed, left = parse_type(receiver)
            known = parsed[0] in ATOMS or parsed[1] or len(parsed[0]) == 1 or parsed[0].startswith("kubernetes.")
            if not left and known:
                return name, True, [parsed] + params, result
        except AttributeError:
            pass
    return head, False, params, result


def functions():
    lines = run("cel", "--functions", "--kube-version", VERSION).text.splitlines()
    parsed = [parse_signature(line) for line in lines if re.match(r"[\w.()]", line) and "@" not in line and not line.startswith("_")]
    return [f for f in parsed if "authorization" not in str(f)]


class Calls:

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.functions = functions()
        self.by_result = {}
        for function in self.functions:
            self.by_result.setdefault(function[3][0], []).append(function)
        self.locals = []

    def one(self, *choices):
        return self.random.choice(choices)

    def some_type(self, depth=0):
        r = self.random.random()
        if r < 0.75 or depth > 1:
            return (self.random.choice(KINDS if r < 0.3 else ["int", "string", "bool", "double", "uint", "string", "int"]), [])
        if r < 0.88:
            return ("list", [self.some_type(depth + 1)])
        if r < 0.95:
            return ("map", [(self.one("string", "string", "int", "bool", "uint"), []), self.some_type(depth + 1)])
        return ("optional", [self.some_type(depth + 1)])

    def text(self, value):
        return "'" + value.replace("'", "\\'") + "'" if "\x7f" not in value else "'http://\\x7f/'"

    def atom(self, kind):
        name, params = kind[0], kind[1] or [("string", [])] * 2
        if self.locals and self.random.random() < 0.4:
            fitting = [v for v, t in self.locals if t == kind] or [v for v, _ in self.locals]
            return self.random.choice(fitting)
        if name == "list":
            items = [self.atom(params[0]) for _ in range(self.random.randrange(4))]
            return "[" + ", ".join(items) + "]"
        if name == "map":
            keys = self.random.sample(ATOMS[params[0][0]], min(len(ATOMS[params[0][0]]), self.random.randrange(3))) \
                if params[0][0] in ATOMS else []
            return "{" + ", ".join(f"{key}: {self.atom(params[1])}" for key in keys) + "}"
        if name == "optional":
            return self.one("optional.none()", f"optional.of({self.atom(params[0])})", f"optional.ofNonZeroValue({self.atom(params[0])})")
        if name == "dyn" or name not in ATOMS:
            return self.one("o.a", "o.b", "o.c", "o.d", "o.h", "o.n", "o.mixed", "l", "e", "z", "n", "o", "o.big", "o.u", "o.t", "dyn(1u)",
                            f"dyn({self.random.choice(ATOMS[self.random.choice(list(ATOMS))])})")
        if name == "string" and self.random.random() < 0.25:
            return self.text(self.random.choice(TEXTS[self.random.choice(list(TEXTS))]))
        return self.random.choice(ATOMS[name])

    def bind(self, kind, names):
        """KIND with type parameters replaced, each by a type of its own."""
        name, params = kind
        if len(name) == 1 and name.isupper():
            if name not in names:
                names[name] = self.some_type(1)
            return names[name]
        return (name, [self.bind(param, names) for param in params])

    def call(self, function, depth):
        name, method, params, _ = function
        names, args = {}, []
        if name == "lists.range":  # upstream makes the list, however long, before it asks what that costs
            return f"lists.range({self.one('0', '1', '3', '-1', '9')})"
        for i, param in enumerate(params):
            kind = self.bind(param, names)
            reads = READERS.get(name, {}).get(i)
            r = self.random.random()
            if reads and kind[0] == "string" and r < 0.8:
                text = self.text(self.random.choice(TEXTS[reads]))
                args.append(text if r < 0.6 else f"dyn({text})" if r < 0.7 else f"({text} + '')")
            elif r < 0.04:
                args.append(self.expression(self.some_type(), depth - 1))  # of another type
            elif r < 0.10:
                args.append(f"dyn({self.expression(self.some_type() if r < 0.07 else kind, depth - 1)})")
            elif r < 0.13:
                args.append(self.atom(("dyn", [])))
            else:
                args.append(self.expression(kind, depth - 1))
        if name == "format" and len(args) > 1 and self.random.random() < 0.8:
            args[1] = "[" + ", ".join(self.expression(self.some_type(), depth - 2) for _ in range(self.random.randrange(3))) + "]"
        if method:
            return f"{self.receiver(args[0])}.{name}({', '.join(args[1:])})"
        return f"{name}({', '.join(args)})"

    def receiver(self, text):
        return text if re.fullmatch(r"[\w.]+(\([^()]*\))?|\[[^\[\]]*\]|'[^']*'", text) and not text[0].isdigit() else f"({text})"

    def scoped(self, names, make):
        self.locals += names
        try:
            return make()
        finally:
            del self.locals[len(self.locals) - len(names):]

    def macro(self, kind, depth):
        """A macro that gives KIND, or None."""
        item = self.some_type(1)
        over_map = self.random.random() < 0.3
        source = ("map", [("string", []), item]) if over_map else ("list", [item])
        range_ = self.receiver(self.expression(source, depth - 1))
        two = self.random.random() < 0.35
        x, y = f"x{depth}", f"y{depth}"
        first = ("string", []) if over_map else ("int", []) if two else item
        names = [(x, first)] + ([(y, item)] if two else [])
        head = f"{x}, {y}" if two else x
        predicate = lambda: self.scoped(names, lambda: self.expression(("bool", []), depth - 1))
        if kind[0] == "bool":
            return f"{range_}.{self.one('all', 'exists', 'exists_one', 'existsOne' if two else 'exists_one')}({head}, {predicate()})"
        if kind[0] == "list":
            inner = self.scoped(names, lambda: self.expression(kind[1][0], depth - 1))
            if two:
                return f"{range_}.transformList({head}, {self.one('', predicate() + ', ')}{inner})"
            if self.random.random() < 0.3:
                return f"{range_}.filter({x}, {predicate()})"
            if self.random.random() < 0.15:
                return f"{range_}.sortBy({x}, {inner})"
            return f"{range_}.map({x}, {self.one('', predicate() + ', ')}{inner})"
        if kind[0] == "map":
            names, head = [(x, first), (y, item)], f"{x}, {y}"
            inner = self.scoped(names, lambda: self.expression(kind[1][1], depth - 1))
            if self.random.random() < 0.3:
                return f"{range_}.transformMapEntry({head}, {{{x}: {inner}}})"
            return f"{range_}.transformMap({head}, {inner})"
        if kind[0] == "optional":
            optional = self.receiver(self.expression(("optional", [item]), depth - 1))
            inner = self.scoped([(x, item)], lambda: self.expression(kind[1][0], depth - 1))
            return f"{optional}.optMap({x}, {inner})"
        return None

    def operator(self, kind, depth):
        name = kind[0]
        e = lambda k: self.expression(k, depth - 1)
        if name == "bool":
            other = self.some_type()
            return self.one(
                lambda: f"({e(kind)} && {e(kind)})", lambda: f"({e(kind)} || {e(kind)})", lambda: f"!({e(kind)})",
                lambda: f"({e(other)} {self.one(*COMPARED)} {e(other)})", lambda: f"({e(other)} in {e(('list', [other]))})",
                lambda: f"(dyn({e(other)}) {self.one(*COMPARED)} {e(self.some_type())})",
                lambda: f"({e(('string', []))} in {e(('map', [('string', []), other]))})",
                lambda: f"has({self.one('o.a', 'o.zz', 'o.d.e', 'o.d.q', 'n.a', 'z.x', 'o.b.c', 'o.?d.e', 'l.x')})")()
        if name in ("int", "uint", "double"):
            return f"({e(kind)} {self.one('+', '-', '*', '/', '%' if name != 'double' else '+')} {e(kind)})"
        if name in ("string", "bytes", "list"):
            return f"({e(kind)} + {e(kind)})"
        if name == "duration":
            return self.one(lambda: f"({e(kind)} {self.one('+', '-')} {e(kind)})",
                            lambda: f"({e(('timestamp', []))} - {e(('timestamp', []))})")()
        if name == "timestamp":
            return f"({e(kind)} {self.one('+', '-')} {e(('duration', []))})"
        if name == "optional":
            return self.one("o.?a", "o.?zz", "o.?d.e", "o.?c[1]", "o.?c[9]", "l[?1]", "l[?7]", "z[?'a']", "o.?d.?f", "n.?a", "o.mixed[?5].?a",
                            "{'a': 1}[?'a']", "[1, 2][?dyn(1.0)]", "o[?'b']")
        return None

    def access(self, kind, depth):
        if self.random.random() < 0.5:
            return f"{self.receiver(self.expression(('list', [kind]), depth - 1))}[{self.expression(('int', []), depth - 2)}]"
        return f"{self.receiver(self.expression(('map', [('string', []), kind]), depth - 1))}[{self.atom(('string', []))}]"

    def expression(self, kind, depth):
        """The text of an expression of type KIND, nested about DEPTH deep."""
        r = self.random.random()
        if depth <= 0 or r < 0.15:
            return self.atom(kind)
        made = None
        if r < 0.25:
            made = self.macro(kind, depth)
        elif r < 0.40:
            made = self.operator(kind, depth)
        elif r < 0.45:
            made = f"({self.expression(('bool', []), depth - 1)} ? {self.expression(kind, depth - 1)} : {self.expression(kind, depth - 1)})"
        elif r < 0.50:
            made = self.access(kind, depth)
        elif r < 0.53:
            made = f"{self.receiver(self.expression(('optional', [kind]), depth - 1))}.orValue({self.expression(kind, depth - 1)})"
        known = self.by_result.get(kind[0])
        if made is None and known:
            made = self.call(self.random.choice(known), depth)
        return made or self.atom(kind)

    def any(self):
        """Any expression; every second one calls the functions one after another."""
        if self.random.random() < 0.5:
            return self.call(self.random.choice(self.functions), self.random.randrange(1, 4))
        return self.expression(self.some_type(), self.random.randrange(1, 5))


def same(a, b):
    """Whether two values in the JSON of cel.expr.Value are the same; of opaque ones the type."""
    if a is None or b is None:
        return a is b
    (kind, x), (other, y) = next(iter(a.items())), next(iter(b.items()))
    if kind != other:
        return False
    if kind == "doubleValue":
        return float(x) == float(y) or float(x) != float(x) and float(y) != float(y)
    if kind == "listValue":
        return len(x["values"]) == len(y["values"]) and all(map(same, x["values"], y["values"]))
    if kind == "mapValue":
        x, y = x["entries"], y["entries"]
        return len(x) == len(y) and all(any(same(p["key"], q["key"]) and same(p["value"], q["value"]) for q in y) for p in x)
    if kind == "optionalValue":
        return same(x, y)
    if kind == "objectValue" and not x["@type"].startswith("type.googleapis.com/"):
        return x["@type"] == y["@type"]
    return x == y


def outcome(answer):
    """What became of an expression: that it does not compile, fails, or has a value."""
    if "invalid" in answer or "issues" in answer:
        return "does not compile"
    return "fails" if "evaluationError" in answer or "error" in answer else "has a value"


def unknowable(theirs):
    """Whether upstream panics."""
    return "internal error" in theirs.get("evaluationError", "") or "panic" in json.dumps(theirs)


def answers(expressions):
    theirs = ask([{"cel": {"expression": text, "variables": VARIABLES}} for text in expressions])
    lines = "".join(json.dumps({"expr": text, "variables": VARIABLES}) + "\n" for text in expressions)
    result = run("cel", "--stream", "--kube-version", VERSION, stdin=lines, timeout=TIME_LIMIT)
    ours = [json.loads(line) for line in result.text.splitlines()]
    assert len(ours) == len(theirs) == len(expressions), (result.status, result.err[-2000:])
    return zip(expressions, theirs, ours)


def limited(cost):
    """COST as far as it matters: beyond the limit of a policy all are the same."""
    return None if cost is None else min(cost, 10**7)


def compare(expressions):
    """(texts of disagreements about values, about costs, how many could be compared)"""
    values, costs, total = [], [], 0
    for text, theirs, ours in answers(expressions):
        if unknowable(theirs):
            continue
        total += 1
        wrong = outcome(theirs) != outcome(ours) or (outcome(ours) == "has a value" and not same(theirs.get("exact"), ours["value"]))
        if wrong:
            values.append(f"{text}\n    upstream: {json.dumps(theirs)[:300]}\n    redoubt:  {json.dumps(ours)[:300]}")
        elif outcome(ours) != "does not compile" and limited(theirs.get("cost")) != limited(ours.get("cost")):
            costs.append(f"{text}\n    upstream: {theirs.get('cost')} redoubt: {ours.get('cost')}")
    return values, costs, total


def test_every_function_is_called():
    need_oracle()
    generator = Calls(argument("seed", 1))
    count = argument("expressions", 6000)
    values, costs, total = [], [], 0
    for start in range(0, count, 5000):
        batch = [generator.any() for _ in range(min(5000, count - start))]
        v, c, n = compare(batch)
        values, costs, total = values + v, costs + c, total + n
    assert total > count * 0.9, total
    shown = "\n".join(sorted(values, key=len)[:40] + ["--- cost"] + sorted(costs, key=len)[:20])
    assert not values and len(costs) <= total / 1000, f"{len(values)} values and {len(costs)} costs of {total} differ\n{shown}"


if __name__ == "__main__":
    main()
