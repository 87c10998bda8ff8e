// Command structure writes src/kube/structure-data.c: what the API server publishes of the types of its kinds.
//
// The definitions are those that the server itself resolves and type-checks by; which versions it serves and how the resources
// are called comes from its configuration and from the paths of its published documents (the folder given as argument).
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	aggregator "k8s.io/kube-aggregator/pkg/apiserver/scheme"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/controlplane"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

// resource is what the paths of the API tell of a kind.
type resource struct {
	name       string
	namespaced bool
}

type table struct {
	definitions map[string]common.OpenAPIDefinition
	types       []string // rows
	typeIDs     map[string]int
	named       map[string]int // rows of definitions
	fields      []string
	lists       []string // each a count and the offsets of so many strings
	listIDs     map[string]int
	listSize    int
	text        strings.Builder
	offsets     map[string]int
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// str gives the offset of TEXT among the strings.
func (t *table) str(text string) int {
	offset, known := t.offsets[text]
	if !known {
		offset = t.text.Len()
		t.offsets[text] = offset
		t.text.WriteString(text)
		t.text.WriteByte(0)
	}
	return offset
}

// list gives the offset of a list of strings; 0 is the empty one.
func (t *table) list(words []string) int {
	row := fmt.Sprint(len(words))
	for _, word := range words {
		row += fmt.Sprintf(", %d", t.str(word))
	}
	id, known := t.listIDs[row]
	if !known {
		id = t.listSize
		t.listIDs[row] = id
		t.lists = append(t.lists, row)
		t.listSize += len(words) + 1
	}
	return id
}

func (t *table) row(row string) int {
	id, known := t.typeIDs[row]
	if !known {
		id = len(t.types)
		t.typeIDs[row] = id
		t.types = append(t.types, row)
	}
	return id
}

// open lists the definitions that hold what they are given: they are published as an object without fields, or without type.
var open = map[string]bool{
	"io.k8s.apimachinery.pkg.runtime.RawExtension":                  true,
	"io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1":                 true,
	"io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": true,
}

func kindOf(s *spec.Schema, name string) string {
	if s.Format == "int-or-string" {
		return "INT_OR_STRING"
	}
	if strings.HasSuffix(name, ".api.resource.Quantity") {
		return "QUANTITY"
	}
	if len(s.Type) == 0 {
		return "ANY"
	}
	switch s.Type[0] {
	case "object":
		if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
			return "MAP"
		}
		return "OBJECT"
	case "array":
		return "LIST"
	}
	return strings.ToUpper(s.Type[0])
}

func extension(s *spec.Schema, name string) string {
	text, _ := s.Extensions.GetString("x-kubernetes-" + name)
	return text
}

func flagsOf(s *spec.Schema, name string) string {
	flags := []string{}
	if s.Nullable {
		flags = append(flags, "STRUCTURE_NULLABLE")
	}
	if extension(s, "map-type") == "atomic" {
		flags = append(flags, "STRUCTURE_ATOMIC")
	}
	if open[name] {
		flags = append(flags, "STRUCTURE_OPEN")
	}
	if len(flags) == 0 {
		return "0"
	}
	return strings.Join(flags, " | ")
}

// typeOf gives the number of the row of a schema.
func (t *table) typeOf(s *spec.Schema) int {
	if ref := s.Ref.String(); ref != "" {
		target := t.definitions[ref].Schema
		if mapType := extension(s, "map-type"); mapType != "" && mapType != extension(&target, "map-type") {
			target.Extensions = spec.Extensions{"x-kubernetes-map-type": mapType}
			return t.row(t.rowOf(&target, ref))
		}
		return t.definition(ref)
	}
	return t.row(t.rowOf(s, ""))
}

// rowOf writes the row of a schema; NAME is that of the definition or "".
func (t *table) rowOf(s *spec.Schema, name string) string {
	listType := "NONE"
	if text := extension(s, "list-type"); text != "" {
		listType = strings.ToUpper(text)
	}
	keys, _ := s.Extensions.GetStringSlice("x-kubernetes-list-map-keys")
	var enums []string
	for _, value := range s.Enum {
		enums = append(enums, value.(string))
	}
	sort.Strings(enums)
	of, first, count := 0, 0, 0
	kind := kindOf(s, name)
	switch kind {
	case "LIST":
		of = t.typeOf(s.Items.Schema)
	case "MAP":
		of = t.typeOf(s.AdditionalProperties.Schema)
	case "OBJECT":
		first, count = t.fieldsOf(s)
	}
	return fmt.Sprintf("{ STRUCTURE_%s, STRUCTURE_LIST_%s, %s, %d, %d, %d, %d, %d, %d, %d }", kind, listType,
		flagsOf(s, name), of, first, count, t.list(enums), t.list(keys), t.str(s.Format), t.str(name))
}

func (t *table) fieldsOf(s *spec.Schema) (first, count int) {
	required := map[string]bool{}
	for _, name := range s.Required {
		required[name] = true
	}
	var names, rows []string
	for name := range s.Properties {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		property := s.Properties[name]
		rows = append(rows, fmt.Sprintf("{ %d, %d, %t }", t.str(name), t.typeOf(&property), required[name]))
	}
	first = len(t.fields)
	t.fields = append(t.fields, rows...)
	return first, len(rows)
}

// definition gives the number of the row of a definition, which it has before its fields have theirs: some are recursive.
func (t *table) definition(name string) int {
	if id, known := t.named[name]; known {
		return id
	}
	definition, known := t.definitions[name]
	if !known {
		panic("no definition " + name)
	}
	id := t.row("placeholder " + name)
	t.named[name] = id
	t.types[id] = t.rowOf(&definition.Schema, name)
	return id
}

// resources reads the paths of the published documents.
func resources(folder string) map[schema.GroupVersionKind]resource {
	found := map[schema.GroupVersionKind]resource{}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	check(err)
	for _, file := range files {
		var document struct {
			Paths map[string]map[string]json.RawMessage
		}
		text, err := os.ReadFile(file)
		check(err)
		check(json.Unmarshal(text, &document))
		for path, operations := range document.Paths {
			var operation struct {
				Kind schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
			}
			if operations["post"] == nil && operations["get"] == nil || strings.Contains(path, "/watch/") {
				continue
			}
			text := operations["post"]
			if text == nil {
				text = operations["get"]
			}
			check(json.Unmarshal(text, &operation))
			rest := strings.TrimPrefix(path, "/apis/"+operation.Kind.Group)
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, "/api"), "/"+operation.Kind.Version+"/")
			inner := strings.TrimPrefix(rest, "namespaces/{namespace}/")
			if operation.Kind.Kind != "" && !strings.Contains(inner, "/") && (inner != rest || found[operation.Kind].name == "") {
				found[operation.Kind] = resource{inner, inner != rest}
			}
		}
	}
	return found
}

// isObject says whether a type is a resource of its own: it has metadata of one object.
func isObject(t reflect.Type) bool {
	f, has := t.FieldByName("ObjectMeta")
	return has && f.Anonymous && !strings.HasSuffix(t.Name(), "List")
}

type model interface{ OpenAPIModelName() string }

func (t *table) write(out io.Writer, kinds []string) {
	array := func(declaration string, rows []string) {
		fmt.Fprintf(out, "\nconst %s = {\n        %s,\n};\n", declaration, strings.Join(rows, ",\n        "))
	}
	fmt.Fprint(out, "/*\n * Generated by tools/gen-schema from what Kubernetes publishes; do not edit.\n */\n/* clang-format off */\n",
		"#include \"kube/structure-data.h\"\n")
	array("struct structure_kind_row structure_kind_rows[]", kinds)
	fmt.Fprintf(out, "const size_t structure_kind_row_count = %d;\n", len(kinds))
	array("struct structure_row structure_rows[]", t.types)
	fmt.Fprintf(out, "const size_t structure_row_count = %d;\n", len(t.types))
	array("struct structure_field_row structure_field_rows[]", t.fields)
	fmt.Fprintf(out, "const size_t structure_field_row_count = %d;\n", len(t.fields))
	array("uint32_t structure_lists[]", t.lists)
	fmt.Fprintf(out, "const size_t structure_list_size = %d;\n", t.listSize)
	var words []string
	for _, word := range strings.SplitAfter(t.text.String(), "\x00") {
		if word != "" {
			words = append(words, fmt.Sprintf("%q", strings.TrimSuffix(word, "\x00")+"\\0"))
		}
	}
	text := strings.ReplaceAll(strings.Join(words, "\n        "), `\\0`, `\0`)
	fmt.Fprintf(out, "\nconst char structure_text[] =\n        %s;\n", text)
}

func main() {
	t := &table{
		typeIDs: map[string]int{}, named: map[string]int{}, listIDs: map[string]int{}, offsets: map[string]int{},
		definitions: openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(name) }),
	}
	t.str("")
	t.list(nil)
	t.row("{ STRUCTURE_ANY }")
	served := controlplane.DefaultAPIResourceConfigSource()
	known := resources(os.Args[1])
	goTypes := map[schema.GroupVersionKind]reflect.Type{}
	for _, scheme := range []*runtime.Scheme{legacyscheme.Scheme, apiextensions.Scheme, aggregator.Scheme} {
		for kind, goType := range scheme.AllKnownTypes() {
			if kind.Version != runtime.APIVersionInternal && isObject(goType) {
				goTypes[kind] = goType
			}
		}
	}
	var order []schema.GroupVersionKind
	for kind := range goTypes {
		order = append(order, kind)
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := order[i], order[j]
		return a.Group+" "+a.Kind+" "+a.Version < b.Group+" "+b.Kind+" "+b.Version
	})
	var rows []string
	for _, kind := range order {
		named, is := reflect.New(goTypes[kind]).Interface().(model)
		if !is {
			continue
		}
		if _, published := t.definitions[named.OpenAPIModelName()]; !published {
			continue
		}
		r := known[kind]
		isServed := r.name != "" && (served.ResourceEnabled(kind.GroupVersion().WithResource(r.name)) ||
			strings.HasSuffix(kind.Group, "apiextensions.k8s.io") || strings.HasSuffix(kind.Group, "apiregistration.k8s.io"))
		rows = append(rows, fmt.Sprintf("{ %d, %d, %d, %d, %d, %t, %t }", t.str(kind.Group), t.str(kind.Version),
			t.str(kind.Kind), t.str(r.name), t.definition(named.OpenAPIModelName()), r.namespaced, isServed))
	}
	t.write(os.Stdout, rows)
}
