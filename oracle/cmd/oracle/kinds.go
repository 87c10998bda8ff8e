package main

import (
	"sync"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	serveroptions "k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	aggregator "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/kubeapiserver"

	// Each of these puts the types, conversions and defaults of a group into the scheme.
	_ "k8s.io/kubernetes/pkg/apis/admission/install"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apiserverinternal/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/authentication/install"
	_ "k8s.io/kubernetes/pkg/apis/authorization/install"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/extensions/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/imagepolicy/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	_ "k8s.io/kubernetes/pkg/apis/storagemigration/install"
)

var scheme = legacyscheme.Scheme

func init() {
	apiextensions.Install(scheme)
	aggregator.Install(scheme)
}

// clusterScoped lists the kinds that have no namespace. The scheme knows types, not resources; these are the resources of the
// API reference.
var clusterScoped = groupKinds(map[string][]string{
	"":                             {"ComponentStatus", "Namespace", "Node", "PersistentVolume"},
	"admission.k8s.io":             {"AdmissionReview"},
	"admissionregistration.k8s.io": {"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"},
	"apiextensions.k8s.io":         {"CustomResourceDefinition"},
	"apiregistration.k8s.io":       {"APIService"},
	"authentication.k8s.io":        {"SelfSubjectReview", "TokenReview"},
	"authorization.k8s.io":         {"SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"imagepolicy.k8s.io":           {"ImageReview"},
	"internal.apiserver.k8s.io":    {"StorageVersion"},
	"networking.k8s.io":            {"IPAddress", "IngressClass", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "ResourceSlice"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
	"storagemigration.k8s.io":      {"StorageVersionMigration"},
})

func groupKinds(table map[string][]string) map[schema.GroupKind]bool {
	set := map[schema.GroupKind]bool{}
	for group, kinds := range table {
		for _, kind := range kinds {
			set[schema.GroupKind{Group: group, Kind: kind}] = true
		}
	}
	return set
}

// customKind describes a kind that the scheme does not know, as a CustomResourceDefinition would.
type customKind struct {
	Group      string `json:"group"`
	Version    string `json:"version"`
	Kind       string `json:"kind"`
	Resource   string `json:"resource"`
	Namespaced bool   `json:"namespaced"`
}

func (k customKind) gvk() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: k.Group, Version: k.Version, Kind: k.Kind}
}

// builtIns maps the kinds of the scheme to resources. Building it takes a while.
var builtIns = sync.OnceValue(func() *meta.DefaultRESTMapper {
	mapper := meta.NewDefaultRESTMapper(scheme.PrioritizedVersionsAllGroups())
	for _, version := range scheme.PrioritizedVersionsAllGroups() {
		for kind := range scheme.KnownTypes(version) {
			addKind(mapper, version.WithKind(kind), "", !clusterScoped[schema.GroupKind{Group: version.Group, Kind: kind}])
		}
	}
	return mapper
})

func addKind(mapper *meta.DefaultRESTMapper, gvk schema.GroupVersionKind, resource string, namespaced bool) {
	scope := meta.RESTScopeRoot
	if namespaced {
		scope = meta.RESTScopeNamespace
	}
	if resource == "" {
		mapper.Add(gvk, scope)
		return
	}
	plural := gvk.GroupVersion().WithResource(resource)
	mapper.AddSpecific(gvk, plural, plural, scope)
}

// mapperWith gives a mapper that knows the kinds of CUSTOM as well.
func mapperWith(custom []customKind) meta.RESTMapper {
	if len(custom) == 0 {
		return builtIns()
	}
	versions := []schema.GroupVersion{}
	for _, kind := range custom {
		versions = append(versions, kind.gvk().GroupVersion())
	}
	mapper := meta.NewDefaultRESTMapper(versions)
	for _, kind := range custom {
		addKind(mapper, kind.gvk(), kind.Resource, kind.Namespaced)
	}
	return meta.FirstHitRESTMapper{MultiRESTMapper: meta.MultiRESTMapper{builtIns(), mapper}}
}

// storage knows which resources of several groups are the same ones in the API server's storage.
var storage = sync.OnceValue(func() *serverstorage.DefaultStorageFactory {
	config := kubeapiserver.NewStorageFactoryConfig()
	config.APIResourceConfig = serverstorage.NewResourceConfig()
	factory, err := config.Complete(serveroptions.NewEtcdOptions(&config.StorageConfig)).New()
	if err != nil {
		panic(err)
	}
	return factory
})

// equivalents is what matchPolicy Equivalent goes by: resources of the scheme's stable versions with the same storage, each
// with SUBRESOURCE, whose kind is SUBKIND unless that is empty.
func equivalents(subresource string, subkind schema.GroupVersionKind, custom []customKind) runtime.EquivalentResourceMapper {
	registry := runtime.NewEquivalentResourceRegistryWithIdentity(func(resource schema.GroupResource) string {
		return storage().ResourcePrefix(resource)
	})
	add := func(gvk schema.GroupVersionKind) {
		mapping, err := mapperWith(custom).RESTMapping(gvk.GroupKind(), gvk.Version)
		if err != nil {
			return
		}
		registry.RegisterKindFor(mapping.Resource, "", gvk)
		if subresource != "" {
			kind := gvk
			if !subkind.Empty() && subkind.Kind != gvk.Kind {
				kind = subkind
			}
			registry.RegisterKindFor(mapping.Resource, subresource, kind)
		}
	}
	for _, version := range scheme.PrioritizedVersionsAllGroups() {
		if !stable(version.Version) {
			continue
		}
		for kind := range scheme.KnownTypes(version) {
			add(version.WithKind(kind))
		}
	}
	for _, kind := range custom {
		add(kind.gvk())
	}
	return registry
}

// stable says whether a version is one that the API server serves by default: v1, v2, but not v1beta1.
func stable(version string) bool {
	for _, c := range version[1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return version[0] == 'v'
}

var plainEquivalents = sync.OnceValue(func() runtime.EquivalentResourceMapper {
	return equivalents("", schema.GroupVersionKind{}, nil)
})

// interfaces are the means by which admission plugins convert and default objects.
func interfaces(subresource string, subkind schema.GroupVersionKind, custom []customKind) admission.ObjectInterfaces {
	all := &admission.RuntimeObjectInterfaces{
		ObjectCreater:   creater{scheme},
		ObjectTyper:     scheme,
		ObjectDefaulter: scheme,
		ObjectConvertor: convertor{scheme},
	}
	if subresource == "" && len(custom) == 0 {
		all.EquivalentResourceMapper = plainEquivalents()
	} else {
		all.EquivalentResourceMapper = equivalents(subresource, subkind, custom)
	}
	return all
}
