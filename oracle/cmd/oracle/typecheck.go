package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	clientopenapi "k8s.io/client-go/openapi"
	"k8s.io/client-go/restmapper"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kubernetes/pkg/controlplane"
	"k8s.io/kubernetes/pkg/generated/openapi"
	"sigs.k8s.io/yaml"
)

// typeCheckQuestion asks for the warnings that the controller manager would write to a policy's status.typeChecking, in a
// cluster with the custom resources that "crds" define.
type typeCheckQuestion struct {
	Policy json.RawMessage   `json:"policy"`
	CRDs   []json.RawMessage `json:"crds"`
}

type typeCheckAnswer struct {
	Warnings []admissionregistration.ExpressionWarning `json:"warnings"`
}

// definitions resolves built-in kinds as the controller manager does.
var definitions = sync.OnceValue(func() *resolver.DefinitionsSchemaResolver {
	return resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, clientscheme.Scheme, apiextensionsscheme.Scheme)
})

// builtInGroups are the built-in resources that the API server serves by default, as discovery tells of them.
var builtInGroups = sync.OnceValue(func() []*restmapper.APIGroupResources {
	served := controlplane.DefaultAPIResourceConfigSource()
	var groups []*restmapper.APIGroupResources
	byName := map[string]*restmapper.APIGroupResources{}
	for _, version := range scheme.PrioritizedVersionsAllGroups() {
		for kind, goType := range scheme.KnownTypes(version) {
			plural, _ := meta.UnsafeGuessKindToResource(version.WithKind(kind))
			if !hasPath(kind, goType) || !served.ResourceEnabled(plural) {
				continue
			}
			groups = addResource(groups, byName, plural, kind, strings.ToLower(kind))
		}
	}
	crds := apiextensions.SchemeGroupVersion.WithResource("customresourcedefinitions")
	return addResource(groups, byName, crds, "CustomResourceDefinition", "customresourcedefinition")
})

// hasPath says whether a kind is a resource of its own: it has the metadata of one object, and is no subresource.
func hasPath(kind string, goType reflect.Type) bool {
	switch kind {
	case "Eviction", "PodStatusResult", "RangeAllocation", "Scale", "TokenRequest":
		return false
	}
	_, has := goType.FieldByName("ObjectMeta")
	return has
}

func addResource(groups []*restmapper.APIGroupResources, byName map[string]*restmapper.APIGroupResources,
	plural schema.GroupVersionResource, kind, singular string) []*restmapper.APIGroupResources {
	group := byName[plural.Group]
	if group == nil {
		group = &restmapper.APIGroupResources{
			Group:              metav1.APIGroup{Name: plural.Group},
			VersionedResources: map[string][]metav1.APIResource{},
		}
		byName[plural.Group] = group
		groups = append(groups, group)
	}
	if group.VersionedResources[plural.Version] == nil {
		group.Group.Versions = append(group.Group.Versions, metav1.GroupVersionForDiscovery{Version: plural.Version})
	}
	group.VersionedResources[plural.Version] = append(group.VersionedResources[plural.Version],
		metav1.APIResource{Name: plural.Resource, SingularName: singular, Kind: kind})
	return groups
}

// published is what the API server tells of custom resources; nothing else of discovery is asked for.
type published struct {
	discovery.DiscoveryInterface
	specs map[string]*spec3.OpenAPI // by path
}

func (p *published) OpenAPIV3() clientopenapi.Client { return p }

func (p *published) Paths() (map[string]clientopenapi.GroupVersion, error) {
	paths := map[string]clientopenapi.GroupVersion{}
	for path, spec := range p.specs {
		text, err := json.Marshal(spec)
		if err != nil {
			return nil, err
		}
		paths[path] = document(text)
	}
	return paths, nil
}

// document is the OpenAPI document of a group's version.
type document []byte

func (d document) Schema(string) ([]byte, error) { return d, nil }

func (d document) ServerRelativeURL() string { return "" }

func (p *published) add(crd *apiextensions.CustomResourceDefinition) ([]*restmapper.APIGroupResources, error) {
	var groups []*restmapper.APIGroupResources
	byName := map[string]*restmapper.APIGroupResources{}
	for _, version := range crd.Spec.Versions {
		if !version.Served {
			continue
		}
		spec, err := builder.BuildOpenAPIV3(crd, version.Name, builder.Options{})
		if err != nil {
			return nil, err
		}
		path := fmt.Sprintf("apis/%s/%s", crd.Spec.Group, version.Name)
		if others := p.specs[path]; others != nil {
			if spec, err = builder.MergeSpecsV3(others, spec); err != nil {
				return nil, err
			}
		}
		p.specs[path] = spec
		names := crd.Spec.Names
		plural := schema.GroupVersionResource{Group: crd.Spec.Group, Version: version.Name, Resource: names.Plural}
		groups = addResource(groups, byName, plural, names.Kind, names.Singular)
	}
	return groups, nil
}

// checker knows the built-in kinds and those that CRDS define.
func newChecker(crds []json.RawMessage) (*validating.TypeChecker, error) {
	custom := &published{specs: map[string]*spec3.OpenAPI{}}
	groups := append([]*restmapper.APIGroupResources{}, builtInGroups()...)
	for _, raw := range crds {
		crd := &apiextensions.CustomResourceDefinition{}
		if err := json.Unmarshal(raw, crd); err != nil {
			return nil, err
		}
		apiextensions.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
		added, err := custom.add(crd)
		if err != nil {
			return nil, err
		}
		groups = append(groups, added...)
	}
	return &validating.TypeChecker{
		SchemaResolver: definitions().Combine(&resolver.ClientDiscoveryResolver{Discovery: custom}),
		RestMapper:     restmapper.NewDiscoveryRESTMapper(groups),
	}, nil
}

func (q *typeCheckQuestion) answer() (any, error) {
	policy := &admissionregistration.ValidatingAdmissionPolicy{}
	if err := decodeInto(q.Policy, policy); err != nil {
		return nil, err
	}
	checker, err := newChecker(q.CRDs)
	if err != nil {
		return nil, err
	}
	warnings := checker.Check(policy)
	if warnings == nil {
		warnings = []admissionregistration.ExpressionWarning{}
	}
	return typeCheckAnswer{warnings}, nil
}

// schemaQuestion asks for the schemas by which the types of kinds are checked: of those that "crds" define, or of all built-in
// ones that are served.
type schemaQuestion struct {
	CRDs []json.RawMessage `json:"crds"`
}

type schemaAnswer struct {
	Group    string       `json:"group"`
	Version  string       `json:"version"`
	Kind     string       `json:"kind"`
	Resource string       `json:"resource"`
	Schema   *spec.Schema `json:"schema"`
}

func (q *schemaQuestion) answer() (any, error) {
	checker, err := newChecker(q.CRDs)
	if err != nil {
		return nil, err
	}
	var answers []schemaAnswer
	add := func(kind schema.GroupVersionKind, resource string) {
		if schema, err := checker.SchemaResolver.ResolveSchema(kind); err == nil {
			answers = append(answers, schemaAnswer{kind.Group, kind.Version, kind.Kind, resource, schema})
		}
	}
	for _, raw := range q.CRDs {
		crd := &apiextensions.CustomResourceDefinition{}
		if err := json.Unmarshal(raw, crd); err != nil {
			return nil, err
		}
		for _, version := range crd.Spec.Versions {
			add(schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}, crd.Spec.Names.Plural)
		}
	}
	if len(q.CRDs) > 0 {
		return answers, nil
	}
	for _, group := range builtInGroups() {
		for version, resources := range group.VersionedResources {
			for _, r := range resources {
				add(schema.GroupVersionKind{Group: group.Group.Name, Version: version, Kind: r.Kind}, r.Name)
			}
		}
	}
	return answers, nil
}

type yamlAnswer struct {
	JSON json.RawMessage `json:"json"`
}

// answerYAML gives what the API server's clients make of a YAML document.
func answerYAML(text string) (any, error) {
	converted, err := yaml.YAMLToJSON([]byte(text))
	return yamlAnswer{converted}, err
}
