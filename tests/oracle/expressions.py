"""Random CEL expressions over a pod-like `object`: typed ones, ones that fail, and some that do not compile.

An Expressions is made from a number, and the same number gives the same expressions.
"""
import random

STRINGS = ["''", "'a'", "'shop'", "'a.b.c'", "'é ü 漢字 text'", "'10.0.0.1'", "'10.0.0.0/8'", "'1Gi'", "'1.2.3'", "'long ' + 'text'",
           "'https://example.com:80/p?q=1'", "'lorem ipsum dolor sit amet consectetur'", "'2024-01-02T03:04:05Z'", "'90s'", "'x-y'"]
PATTERNS = ["'^a+$'", "'[a-z]+'", "'.*'", "'(lorem|ipsum) +d'", "''", "'[0-9]+\\\\.[0-9]+'"]


class Expressions:
    """Makes expressions from the number SEED."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = []  # variables of the macros around, (name, type)

    @staticmethod
    def object():
        return {
            "apiVersion": "example.com/v1", "kind": "Widget",
            "metadata": {"name": "shop", "namespace": "shop", "labels": {"app": "cart", "team": "a" * 40, "é": "ü"}},
            "spec": {
                "replicas": 3, "ratio": 1.5, "paused": False, "empty": [], "none": {},
                "text": "lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor",
                "names": ["web", "db", "cache", "", "web"], "numbers": [3, 1, 2, 2], "nested": [[1, 2], [3], []],
                "containers": [{"name": f"c{i}", "image": "registry.example.com/shop/cart:1.4.2", "args": ["-v"] * i,
                                "resources": {"limits": {"memory": f"{i}Gi"}}} for i in range(4)]
            }
        }

    def one(self, *choices):
        """One of CHOICES; one that needs no argument is called."""
        choice = self.random.choice(choices)
        return choice() if callable(choice) and choice.__code__.co_argcount == 0 else choice

    def any(self):
        return self.one(self.bool, self.bool, self.string, self.int, self.list, self.map, self.other, self.double)(5)

    def within(self, name, kind, make, depth):
        """What MAKE makes where the variable NAME of type KIND is known."""
        self.names.append((name, kind))
        text = make(depth)
        self.names.pop()
        return text

    def variable(self, kind):
        known = [name for name, of in self.names if of == kind]
        return [self.random.choice(known)] * 6 if known else []

    # --- one method for each type; DEPTH says how much may still be nested

    def bool(self, depth):
        if depth <= 0:
            return self.one("true", "false", "object.spec.paused", *self.variable("bool"))
        d = depth - 1
        return self.one(
            lambda: f"({self.bool(d)} && {self.bool(d)})", lambda: f"({self.bool(d)} || {self.bool(d)})",
            lambda: f"!{self.bool(d)}", lambda: f"({self.bool(d)} ? {self.bool(d)} : {self.bool(d)})",
            lambda: f"{self.int(d)} {self.one('<', '<=', '>', '>=', '==', '!=')} {self.int(d)}",
            lambda: f"{self.string(d)} {self.one('<', '<=', '>', '>=', '==', '!=')} {self.string(d)}",
            lambda: f"{self.list(d)} == {self.list(d)}", lambda: f"{self.map(d)} != {self.map(d)}",
            lambda: f"{self.dyn(d)} == {self.dyn(d)}", lambda: f"{self.dyn(d)} < {self.dyn(d)}",
            lambda: f"{self.string(d)}.{self.one('contains', 'startsWith', 'endsWith')}({self.string(d)})",
            lambda: f"{self.string(d)}.matches({self.one(*PATTERNS)})", lambda: f"matches({self.string(d)}, {self.one(*PATTERNS)})",
            lambda: f"{self.string(d)} in {self.list(d)}", lambda: f"{self.string(d)} in {self.map(d)}",
            lambda: f"{self.string(d)} in {self.one('[]', chr(91) + chr(39) + 'a' + chr(39) + ', ' + chr(39) + 'shop' + chr(39) + ']')}",
            lambda: f"{self.list(d)}.{self.one('all', 'exists', 'exists_one')}(x{d}, {self.within(f'x{d}', 'dyn', self.bool, d)})",
            lambda: f"{self.map(d)}.{self.one('all', 'exists')}(k{d}, v{d}, {self.within(f'k{d}', 'string', self.bool, d)})",
            lambda: f"has({self.one('object', 'object.spec', 'object.metadata.labels', 'object.spec.none')}.{self.one('spec', 'app', 'x', 'containers')})",
            lambda: f"{self.optional(d)}.hasValue()", lambda: f"{self.numbers(d)}.isSorted()",
            lambda: f"sets.{self.one('contains', 'intersects', 'equivalent')}({self.list(d)}, {self.list(d)})",
            lambda: f"{self.one('isURL', 'isIP', 'isCIDR', 'isQuantity', 'isSemver')}({self.string(d)})",
            lambda: f"quantity({self.string(0)}).isGreaterThan(quantity('{self.random.randrange(9)}Mi'))",
            lambda: f"cidr('10.0.0.0/8').{self.one('containsIP', 'containsCIDR')}({self.one(*STRINGS)})",
            lambda: f"cidr('10.0.0.0/8').containsIP(ip({self.one(*STRINGS)}))", lambda: f"ip.isCanonical({self.string(0)})",
            lambda: f"format.{self.one('dns1123Label', 'qualifiedName', 'uuid', 'byte', 'date')}().validate({self.string(d)}).hasValue()",
            lambda: f"semver('1.2.3').isLessThan(semver({self.string(0)}))", lambda: f"url({self.string(0)}) == url({self.string(0)})",
            lambda: f"quantity('1') == quantity({self.string(0)})", lambda: f"ip('10.0.0.1') == ip({self.string(0)})",
            lambda: f"type({self.dyn(d)}) == {self.one('int', 'string', 'map', 'list')}",
            lambda: f"namespaceObject.metadata.{self.one('name', 'namespace')} == {self.string(d)}",
            lambda: f"request.{self.one('operation', 'name', 'kind.kind')} == {self.string(d)}")

    def string(self, depth):
        if depth <= 0:
            return self.one(*STRINGS, "object.metadata.name", "object.spec.text", "object.metadata.labels.team", *self.variable("string"))
        d = depth - 1
        return self.one(
            lambda: self.string(0), lambda: f"({self.string(d)} + {self.string(d)})", lambda: f"string({self.one(self.int, self.dyn, self.bool)(d)})",
            lambda: f"{self.string(d)}.{self.one('lowerAscii', 'upperAscii', 'trim')}()",
            lambda: f"{self.string(d)}.replace({self.string(d)}, {self.string(0)}{self.one('', ', 1')})",
            lambda: f"{self.string(d)}.substring({self.one('0', '1', '2, 4', '1, 3')})", lambda: f"{self.string(d)}.charAt(0)",
            lambda: f"{self.names_list(d)}.join({self.one('', self.string(0))})", lambda: f"'%s and %d' .format([{self.string(d)}, {self.int(d)}])",
            lambda: f"({self.bool(d)} ? {self.string(d)} : {self.string(d)})", lambda: f"{self.string(d)}.find({self.one(*PATTERNS)})",
            lambda: f"{self.optional(d)}.orValue({self.string(d)})", lambda: f"string({self.bytes(d)})",
            lambda: f"url({self.one(*STRINGS)}).{self.one('getHost', 'getPort', 'getScheme')}()", lambda: f"strings.quote({self.string(d)})",
            lambda: f"dyn({self.string(d)})", lambda: f"{self.names_list(d)}[{self.one('0', '1', '9')}]")

    def bytes(self, depth):
        return self.one("b'abc'", lambda: f"bytes({self.string(depth - 1)})", lambda: f"(b'x' + bytes({self.string(depth - 1)}))")

    def int(self, depth):
        if depth <= 0:
            return self.one("0", "1", "3", "-2", "object.spec.replicas", *self.variable("int"))
        d = depth - 1
        return self.one(
            lambda: self.int(0), lambda: f"({self.int(d)} {self.one('+', '-', '*', '/', '%')} {self.int(d)})",
            lambda: f"size({self.one(self.string, self.list, self.map)(d)})", lambda: f"{self.one(self.string, self.list, self.map)(d)}.size()",
            lambda: f"int({self.one(self.string, self.double)(d)})", lambda: f"{self.string(d)}.{self.one('indexOf', 'lastIndexOf')}({self.string(0)})",
            lambda: f"{self.names_list(d)}.{self.one('indexOf', 'lastIndexOf')}('db')", lambda: f"{self.numbers(d)}.{self.one('sum', 'min', 'max')}()",
            lambda: f"({self.bool(d)} ? {self.int(d)} : {self.int(d)})", lambda: f"-({self.int(d)})", lambda: f"ip({self.one(*STRINGS)}).family()",
            lambda: f"timestamp('2024-01-02T03:04:05Z').{self.one('getHours', 'getFullYear')}()", lambda: f"quantity('3').asInteger()",
            lambda: f"semver('1.2.3').{self.one('major', 'minor')}()", lambda: f"duration('90s').getSeconds()")

    def double(self, depth):
        return self.one("1.5", "object.spec.ratio", lambda: f"double({self.int(depth - 1)})", lambda: f"(1.5 * {self.double(depth - 1)})" if depth > 0 else "2.0")

    def names_list(self, depth):
        """A list of texts."""
        if depth <= 0:
            return self.one("object.spec.names", "['b', 'a', 'c']", "object.spec.containers.map(c, c.name)")
        d = depth - 1
        return self.one(lambda: self.names_list(0), lambda: f"{self.string(d)}.split({self.one(*STRINGS)}{self.one('', ', 2')})",
                        lambda: f"[{self.string(d)}, {self.string(d)}]", lambda: f"{self.names_list(d)}.map(x{d}, {self.within(f'x{d}', 'string', self.string, d)})",
                        lambda: f"{self.names_list(d)}.filter(x{d}, {self.within(f'x{d}', 'string', self.bool, d)})",
                        lambda: f"({self.names_list(d)} + {self.names_list(d)})", lambda: f"{self.string(d)}.findAll({self.one(*PATTERNS)})",
                        lambda: f"{self.names_list(d)}.{self.one('sort', 'distinct', 'reverse')}()",
                        lambda: f"{self.names_list(d)}.sortBy(s{d}, {self.within(f's{d}', 'string', self.string, d - 1)})")

    def numbers(self, depth):
        """A list of numbers."""
        if depth <= 0:
            return self.one("object.spec.numbers", "[3, 1, 2]", "lists.range(4)", "[1, 2, 2].distinct()", "object.spec.nested.flatten()")
        d = depth - 1
        return self.one(lambda: self.numbers(0), lambda: f"{self.numbers(d)}.{self.one('sort', 'distinct', 'reverse')}()",
                        lambda: f"{self.numbers(d)}.slice({self.one('0, 1', '1, 2', '0, 2')})", lambda: f"lists.range({self.int(0)})",
                        lambda: f"{self.numbers(d)}.map(n{d}, {self.within(f'n{d}', 'int', self.int, d)})",
                        lambda: f"{self.numbers(d)}.map(n{d}, {self.within(f'n{d}', 'int', self.bool, d)}, n{d})",
                        lambda: f"[[{self.int(d)}], {self.numbers(d)}].flatten({self.one('', '1', '2')})",
                        lambda: f"{self.numbers(d)}.sortBy(n{d}, -n{d})",
                        lambda: f"{self.numbers(d)}.transformList(i{d}, n{d}, {self.within(f'n{d}', 'int', self.int, d)})")

    def list(self, depth):
        return self.one(self.names_list, self.names_list, self.numbers, lambda _: self.one("[]", "object.spec.containers", "object.spec.nested", "object.spec.empty", "[[1], [2, 3]]"))(depth)

    def map(self, depth):
        if depth <= 0:
            return self.one("object.metadata.labels", "{'a': 1}", "{}", "object.spec", "object.spec.none", "{'a': 'b', 'c': 'd'}")
        d = depth - 1
        return self.one(lambda: self.map(0), lambda: f"{{'k': {self.string(d)}, 'l': {self.string(d)}}}", lambda: f"{{{self.string(d)}: {self.dyn(d)}}}",
                        lambda: f"{self.list(d)}.transformMap(i{d}, v{d}, {self.within(f'v{d}', 'dyn', self.string, d)})",
                        lambda: f"{self.map(d)}.transformMap(k{d}, v{d}, {self.within(f'k{d}', 'string', self.bool, d)}, k{d})",
                        lambda: f"{self.names_list(d)}.transformMapEntry(i{d}, v{d}, {{v{d}: i{d}}})",
                        lambda: f"{{?'k': {self.optional(d)}}}")

    def optional(self, depth):
        if depth <= 0:
            return self.one("object.?spec.?text", "object.?nope.?x", "object.spec.?names[?0]", "optional.none()", "object.metadata.labels[?'app']")
        d = depth - 1
        return self.one(lambda: self.optional(0), lambda: f"optional.of({self.string(d)})", lambda: f"optional.ofNonZeroValue({self.string(d)})",
                        lambda: f"{self.optional(d)}.or({self.optional(d)})",
                        lambda: f"{self.optional(d)}.optMap(o{d}, {self.within(f'o{d}', 'string', self.string, d)})",
                        lambda: f"{self.optional(d)}.optFlatMap(o{d}, {self.within(f'o{d}', 'string', self.optional, d)})")

    def dyn(self, depth):
        if depth <= 0:
            return self.one("object.spec.replicas", "object.spec.text", "object.spec.containers[1].name", "object.nope", "object.spec", "oldObject", *self.variable("dyn"), *self.variable("string"))
        d = depth - 1
        return self.one(lambda: self.dyn(0), lambda: f"dyn({self.one(self.bool, self.string, self.int, self.list, self.map)(d)})",
                        lambda: f"({self.dyn(d)} + {self.dyn(d)})", lambda: f"object.spec.containers[{self.int(0)}].resources.limits.memory",
                        lambda: f"({self.bool(d)} ? {self.dyn(d)} : {self.dyn(d)})", lambda: f"{self.dyn(d)}[{self.one('0', chr(39) + 'app' + chr(39))}]",
                        lambda: f"{self.optional(d)}.{self.one('value()', 'orValue(dyn(1))')}")

    def other(self, depth):
        d = depth - 1
        return self.one(lambda: f"{self.optional(d)}.hasValue()", lambda: f"duration({self.one(*STRINGS)})", lambda: f"timestamp({self.string(0)})",
                        lambda: f"quantity({self.string(0)}).{self.one('add', 'sub')}(1).isInteger()", lambda: f"cidr('10.0.0.0/8').{self.one('ip', 'masked')}()",
                        lambda: f"cidr('10.0.0.0/8').prefixLength()", lambda: self.bytes(d), lambda: f"uint({self.int(d)})", lambda: f"[{self.optional(d)}]",
                        lambda: f"[?{self.optional(d)}]", lambda: f"type({self.dyn(d)})", lambda: f"format.named({self.string(0)}).hasValue()")
