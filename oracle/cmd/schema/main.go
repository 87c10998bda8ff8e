// Command schema writes src/kube/schema-data.c: what the API server knows of the fields of its built-in kinds, and which
// values it gives to those that are not set.
//
// The fields are those of the Go types of the scheme. Defaults are learned by experiment, place by place: an object in which
// the place holds nothing is defaulted, and what stands there afterwards is the default. What depends on more than the field
// itself (see hooks) is decided by src/kube/defaults.c.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"reflect"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kubernetes/pkg/api/legacyscheme"

	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
)

// The versions that the API server serves without being asked to.
var versions = []schema.GroupVersion{
	{Version: "v1"},
	{Group: "admissionregistration.k8s.io", Version: "v1"},
	{Group: "apps", Version: "v1"},
	{Group: "autoscaling", Version: "v1"},
	{Group: "autoscaling", Version: "v2"},
	{Group: "batch", Version: "v1"},
	{Group: "certificates.k8s.io", Version: "v1"},
	{Group: "coordination.k8s.io", Version: "v1"},
	{Group: "discovery.k8s.io", Version: "v1"},
	{Group: "events.k8s.io", Version: "v1"},
	{Group: "networking.k8s.io", Version: "v1"},
	{Group: "policy", Version: "v1"},
	{Group: "rbac.authorization.k8s.io", Version: "v1"},
	{Group: "scheduling.k8s.io", Version: "v1"},
	{Group: "storage.k8s.io", Version: "v1"},
}

// hook names the function of src/kube/defaults.c that looks at a whole struct, and the fields that are its business alone.
type hook struct {
	name   string
	fields []string
}

// hooks by Go type; with a kind in front, only within that kind.
var hooks = map[string]hook{
	"core/v1.Container":                          {"CONTAINER", []string{"imagePullPolicy"}},
	"core/v1.EphemeralContainer":                 {"CONTAINER", []string{"imagePullPolicy"}},
	"core/v1.ImageVolumeSource":                  {"IMAGE_VOLUME", []string{"pullPolicy"}},
	"core/v1.Volume":                             {"VOLUME", []string{"emptyDir"}},
	"core/v1.ServiceSpec":                        {"SERVICE_SPEC", []string{"internalTrafficPolicy"}},
	"core/v1.ServicePort":                        {"SERVICE_PORT", []string{"targetPort"}},
	"core/v1.PodSpec":                            {"POD_SPEC", nil},
	"Pod core/v1.PodSpec":                        {"OWN_POD_SPEC", nil},
	"Pod core/v1.ResourceRequirements":           {"OWN_RESOURCES", nil},
	"Pod core/v1.ContainerPort":                  {"OWN_PORT", nil},
	"core/v1.PodStatus":                          {"POD_STATUS", nil},
	"core/v1.NodeSpec":                           {"NODE_SPEC", nil},
	"apps/v1.DaemonSet":                          {"DAEMON_SET", nil},
	"StatefulSet core/v1.PersistentVolumeClaim":  {"CLAIM_TEMPLATE", nil},
	"autoscaling/v1.HorizontalPodAutoscalerSpec": {"AUTOSCALER_SPEC", nil},
	"core/v1.Secret":                             {"SECRET", nil},
	"core/v1.Namespace":                          {"NAMESPACE", nil},
	"core/v1.LimitRangeItem":                     {"LIMIT_RANGE_ITEM", nil},
	"core/v1.NodeStatus":                         {"NODE_STATUS", nil},
	"core/v1.ReplicationController":              {"REPLICATION_CONTROLLER", nil},
	"apps/v1.DeploymentStrategy":                 {"ROLLING_UPDATE", []string{"rollingUpdate"}},
	"apps/v1.DaemonSetUpdateStrategy":            {"ROLLING_UPDATE", []string{"rollingUpdate"}},
	"apps/v1.StatefulSetUpdateStrategy":          {"PARTITIONED_UPDATE", []string{"rollingUpdate"}},
	"Job batch/v1.Job":                           {"JOB", nil},
	"Job batch/v1.JobSpec":                       {"JOB_SPEC", []string{"completions", "parallelism", "backoffLimit", "podReplacementPolicy"}},
	"networking/v1.NetworkPolicySpec":            {"NETWORK_POLICY_SPEC", []string{"policyTypes"}},
	"rbac/v1.Subject":                            {"SUBJECT", nil},
}

// Types that are one value in JSON.
var scalars = map[string]string{
	"k8s.io/apimachinery/pkg/apis/meta/v1.Time":       "TIME",
	"k8s.io/apimachinery/pkg/apis/meta/v1.MicroTime":  "MICRO_TIME",
	"k8s.io/apimachinery/pkg/apis/meta/v1.Duration":   "DURATION",
	"k8s.io/apimachinery/pkg/api/resource.Quantity":   "QUANTITY",
	"k8s.io/apimachinery/pkg/util/intstr.IntOrString": "INT_OR_STRING",
	"k8s.io/apimachinery/pkg/runtime.RawExtension":    "ANY",
	"k8s.io/apimachinery/pkg/apis/meta/v1.FieldsV1":   "ANY",
}

type table struct {
	types     []string       // rows of schema_types
	typeIDs   map[string]int // by row
	structIDs map[string]int // by fields and hook
	fields    []string       // rows of schema_fields
	defaults  []string       // JSON, in order of first use
	literals  map[string]int
	kind      schema.GroupVersionKind
}

// step leads from a place to one within it.
type step struct {
	field string // "" for an item of a list or an entry of a map
	list  bool
}

type field struct {
	name    string
	goType  reflect.Type
	pointer bool
	omit    bool
}

// jsonFields lists the fields of a struct with those of embedded ones.
func jsonFields(t reflect.Type) []field {
	var found []field
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" && (f.Anonymous || strings.Contains(options, "inline")) {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			found = append(found, jsonFields(inner)...)
			continue
		}
		if name == "" {
			name = f.Name
		}
		found = append(found, field{
			name, f.Type, f.Type.Kind() == reflect.Pointer,
			strings.Contains(options, "omitzero") || strings.Contains(options, "omitempty") && f.Type.Kind() != reflect.Struct,
		})
	}
	sort.Slice(found, func(i, j int) bool { return found[i].name < found[j].name })
	return found
}

// nest puts an empty object at the end of PATH.
func nest(path []step) any {
	if len(path) == 0 {
		return map[string]any{}
	}
	inner := nest(path[1:])
	switch {
	case path[0].field != "":
		return map[string]any{path[0].field: inner}
	case path[0].list:
		return []any{inner}
	}
	return map[string]any{"k": inner}
}

func follow(value any, path []step) any {
	for _, s := range path {
		switch v := value.(type) {
		case map[string]any:
			key := s.field
			if key == "" {
				key = "k"
			}
			value = v[key]
		case []any:
			value = v[0]
		}
	}
	return value
}

// experiment gives what stands at PATH of an object that holds nothing there, without and with defaults.
func (t *table) experiment(path []step) (before, after map[string]any) {
	object, err := legacyscheme.Scheme.New(t.kind)
	check(err)
	text, err := json.Marshal(nest(path))
	check(err)
	check(json.Unmarshal(text, object))
	see := func() map[string]any {
		all, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		check(err)
		found, _ := follow(all, path).(map[string]any)
		return found
	}
	before = see()
	legacyscheme.Scheme.Default(object)
	return before, see()
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

func typeName(t reflect.Type) string { return t.PkgPath() + "." + t.Name() }

func (t *table) typeOf(goType reflect.Type, path []step) int {
	for goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if scalar, is := scalars[typeName(goType)]; is {
		return t.row(fmt.Sprintf("{ SCHEMA_%s }", scalar))
	}
	within := func(s step) []step { return append(append([]step{}, path...), s) }
	switch goType.Kind() {
	case reflect.Bool:
		return t.row("{ SCHEMA_BOOL }")
	case reflect.Int32:
		return t.row("{ SCHEMA_INT32 }")
	case reflect.Int64, reflect.Int:
		return t.row("{ SCHEMA_INT64 }")
	case reflect.Float32, reflect.Float64:
		return t.row("{ SCHEMA_FLOAT }")
	case reflect.String:
		return t.row("{ SCHEMA_STRING }")
	case reflect.Interface:
		return t.row("{ SCHEMA_ANY }")
	case reflect.Slice:
		if goType.Elem().Kind() == reflect.Uint8 {
			return t.row("{ SCHEMA_BYTES }")
		}
		return t.row(fmt.Sprintf("{ SCHEMA_LIST, 0, %d }", t.typeOf(goType.Elem(), within(step{list: true}))))
	case reflect.Map:
		if goType.Name() == "ResourceList" {
			return t.row("{ SCHEMA_RESOURCES }")
		}
		return t.row(fmt.Sprintf("{ SCHEMA_MAP, 0, %d }", t.typeOf(goType.Elem(), within(step{}))))
	case reflect.Struct:
		return t.structOf(goType, path)
	}
	panic("no type for " + goType.String())
}

func (t *table) hookOf(goType reflect.Type, path []step) hook {
	name := strings.TrimPrefix(typeName(goType), "k8s.io/api/")
	if name == "core/v1.ResourceRequirements" && (len(path) < 2 || path[1].field != "containers" && path[1].field != "initContainers") {
		return hook{}
	}
	if h, is := hooks[t.kind.Kind+" "+name]; is {
		return h
	}
	return hooks[name]
}

func (t *table) literal(value any) int {
	text, err := json.Marshal(value)
	check(err)
	id, known := t.literals[string(text)]
	if !known {
		t.defaults = append(t.defaults, string(text))
		id = len(t.defaults)
		t.literals[string(text)] = id
	}
	return id
}

func (t *table) structOf(goType reflect.Type, path []step) int {
	before, after := t.experiment(path)
	h := t.hookOf(goType, path)
	var rows []string
	for _, f := range jsonFields(goType) {
		id := t.typeOf(f.goType, append(append([]step{}, path...), step{field: f.name}))
		flags := []string{}
		if f.pointer {
			flags = append(flags, "SCHEMA_POINTER")
		}
		if f.omit {
			flags = append(flags, "SCHEMA_OMIT")
		}
		if len(flags) == 0 {
			flags = append(flags, "0")
		}
		value, set := after[f.name]
		isStruct := f.goType.Kind() == reflect.Struct && strings.HasPrefix(t.types[id], "{ SCHEMA_STRUCT")
		row := fmt.Sprintf("STR_INIT(%q), %d, %s", f.name, id, strings.Join(flags, " | "))
		if set && !isStruct && !reflect.DeepEqual(value, before[f.name]) && !contains(h.fields, f.name) {
			row += fmt.Sprintf(", %d", t.literal(value))
		}
		rows = append(rows, "        { "+row+" },")
	}
	name := h.name
	if name == "" {
		name = "NONE"
	}
	key := name + strings.Join(rows, "\n")
	if id, known := t.structIDs[key]; known {
		return id
	}
	id := t.row(fmt.Sprintf("{ SCHEMA_STRUCT, HOOK_%s, %d, %d }", name, len(t.fields), len(rows)))
	t.structIDs[key] = id
	t.fields = append(t.fields, rows...)
	return id
}

func contains(list []string, word string) bool {
	for _, l := range list {
		if l == word {
			return true
		}
	}
	return false
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// isObject says whether a type is a resource of its own: it has metadata of one object.
func isObject(t reflect.Type) bool {
	f, has := t.FieldByName("ObjectMeta")
	return has && f.Anonymous && !strings.HasSuffix(t.Name(), "List")
}

func (t *table) write(out io.Writer, kinds []string) {
	fmt.Fprint(out, `/*
 * Generated by tools/gen-schema from the types of Kubernetes; do not edit.
 */
/* clang-format off */
#include "kube/schema.h"

const struct schema_kind schema_kinds[] = {
`, strings.Join(kinds, "\n"), "\n};\n",
		fmt.Sprintf("const size_t schema_kind_count = %d;\n\n", len(kinds)),
		"const struct schema_type schema_types[] = {\n")
	for _, row := range t.types {
		fmt.Fprintf(out, "        %s,\n", row)
	}
	fmt.Fprintf(out, "};\nconst size_t schema_type_count = %d;\n\nconst char *const schema_defaults[] = {\n        \"null\",\n", len(t.types))
	for _, text := range t.defaults {
		fmt.Fprintf(out, "        %q,\n", text)
	}
	fmt.Fprintf(out, "};\nconst size_t schema_default_count = %d;\n\nconst struct schema_field schema_fields[] = {\n", len(t.defaults)+1)
	fmt.Fprintf(out, "%s\n};\nconst size_t schema_field_count = %d;\n", strings.Join(t.fields, "\n"), len(t.fields))
}

func main() {
	t := &table{typeIDs: map[string]int{}, structIDs: map[string]int{}, literals: map[string]int{}}
	var rows []string
	for _, version := range versions {
		types := legacyscheme.Scheme.KnownTypes(version)
		var names []string
		for name, goType := range types {
			if isObject(goType) {
				names = append(names, name)
			}
		}
		sort.Strings(names)
		for _, name := range names {
			t.kind = version.WithKind(name)
			id := t.typeOf(types[name], nil)
			rows = append(rows, fmt.Sprintf("        { STR_INIT(%q), STR_INIT(%q), %d },", version.String(), name, id))
		}
	}
	sort.Strings(rows)
	t.write(os.Stdout, rows)
}
