package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/matching"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// request describes an admission request and the cluster that it comes to. What is left out is worked out as the API server
// would: the operation from the objects, kind and resource from the object.
type request struct {
	Object      json.RawMessage `json:"object"`
	OldObject   json.RawMessage `json:"oldObject"`
	Operation   string          `json:"operation"`
	Name        *string         `json:"name"`
	Kind        *metav1.GroupVersionKind
	Resource    json.RawMessage `json:"resource"` // the plural, or {"group","version","resource"}
	Subresource string          `json:"subresource"`
	Options     json.RawMessage `json:"options"`
	DryRun      bool            `json:"dryRun"`
	User        userQuestion    `json:"user"`

	// Namespace objects, one or a list. Where the request's own namespace is not among them it is made up, unless this is false.
	Namespace json.RawMessage   `json:"namespace"`
	RBAC      []json.RawMessage `json:"rbac"` // what the authorizer goes by
	Cluster   string            `json:"cluster"`
	Kinds     []customKind      `json:"kinds"`

	// Whether objects get the defaults of their type, as in the API server; true unless said otherwise.
	Default *bool `json:"default"`
	// Whether the object of a CREATE is prepared for storage, which in the API server happens between mutating and validating
	// admission: it gets a uid and a creation time and loses its status.
	Prepare bool `json:"prepare"`
}

type userQuestion struct {
	Name   string              `json:"name"`
	UID    string              `json:"uid"`
	Groups []string            `json:"groups"`
	Extra  map[string][]string `json:"extra"`
}

func (u *userQuestion) info() user.Info {
	return &user.DefaultInfo{Name: u.Name, UID: u.UID, Groups: u.Groups, Extra: u.Extra}
}

// prepared is a request in the form that admission plugins take.
type prepared struct {
	attributes *recordedAttributes
	interfaces admission.ObjectInterfaces
	matcher    *matching.Matcher
	authorizer authorizer.Authorizer
	mapper     meta.RESTMapper
}

// recordedAttributes keeps the audit annotations that plugins add.
type recordedAttributes struct {
	admission.Attributes
	annotations map[string]string
	problems    []string
}

func (a *recordedAttributes) AddAnnotation(key, value string) error {
	err := a.Attributes.AddAnnotation(key, value)
	if err != nil {
		a.problems = append(a.problems, err.Error())
	} else {
		a.annotations[key] = value
	}
	return err
}

func (r *request) prepare() (*prepared, error) {
	defaults := r.Default == nil || *r.Default
	read := func(raw json.RawMessage) (runtime.Object, error) {
		if absent(raw) {
			return nil, nil
		}
		object, _, err := decode(raw, defaults, false)
		return object, err
	}
	object, err := read(r.Object)
	if err != nil {
		return nil, fmt.Errorf("object: %w", err)
	}
	old, err := read(r.OldObject)
	if err != nil {
		return nil, fmt.Errorf("oldObject: %w", err)
	}
	operation, err := r.operation(object, old)
	if err != nil {
		return nil, err
	}
	if r.Prepare && operation == admission.Create {
		if object, _, err = beforeCreate(context.Background(), object); err != nil {
			return nil, err
		}
	}
	any := object
	if any == nil {
		any = old
	}
	p := &prepared{mapper: mapperWith(r.Kinds)}
	kind, resource, err := r.kindAndResource(any, p.mapper)
	if err != nil {
		return nil, err
	}
	var name, namespace string
	if any != nil {
		if name, namespace, err = nameOf(any); err != nil && r.Name == nil {
			return nil, err
		}
	}
	if resource.Resource == "namespaces" && resource.Group == "" {
		namespace = name
	}
	if r.Name != nil {
		name = *r.Name
	}
	options, err := r.operationOptions(operation)
	if err != nil {
		return nil, err
	}
	if defaults {
		// In the API server objects are of the internal version when they come to admission.
		if object, err = toHub(object); err != nil {
			return nil, err
		}
		if old, err = toHub(old); err != nil {
			return nil, err
		}
	}
	p.attributes = &recordedAttributes{annotations: map[string]string{}, Attributes: admission.NewAttributesRecord(object, old,
		kind, namespace, name, resource, r.Subresource, operation, options, r.DryRun, r.User.info())}
	p.interfaces = interfaces(r.Subresource, kind, r.Kinds)
	if p.authorizer, err = authorizerFor(r.Cluster, r.RBAC); err != nil {
		return nil, err
	}
	p.matcher, err = r.newMatcher(namespace)
	return p, err
}

func (r *request) operation(object, old runtime.Object) (admission.Operation, error) {
	switch {
	case r.Operation != "":
		return admission.Operation(r.Operation), nil
	case object != nil && old != nil:
		return admission.Update, nil
	case object != nil:
		return admission.Create, nil
	case old != nil:
		return admission.Delete, nil
	}
	return "", errors.New("the request has neither object nor oldObject")
}

func (r *request) kindAndResource(object runtime.Object, mapper meta.RESTMapper) (schema.GroupVersionKind,
	schema.GroupVersionResource, error) {
	var kind schema.GroupVersionKind
	if r.Kind != nil {
		kind = schema.GroupVersionKind(*r.Kind)
	} else if object != nil {
		kind = object.GetObjectKind().GroupVersionKind()
	}
	resource := kind.GroupVersion().WithResource("")
	switch {
	case absent(r.Resource):
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil {
			return kind, guessResource(kind), nil
		}
		resource = mapping.Resource
	case r.Resource[0] == '"':
		if err := json.Unmarshal(r.Resource, &resource.Resource); err != nil {
			return kind, resource, err
		}
	default:
		var given metav1.GroupVersionResource
		if err := json.Unmarshal(r.Resource, &given); err != nil {
			return kind, resource, err
		}
		resource = schema.GroupVersionResource(given)
	}
	return kind, resource, nil
}

// guessResource makes the plural of a kind that nobody described.
func guessResource(kind schema.GroupVersionKind) schema.GroupVersionResource {
	plural, singular := meta.UnsafeGuessKindToResource(kind)
	if word := singular.Resource; len(word) > 1 && word[len(word)-1] == 'y' && strings.ContainsRune("aeiou", rune(word[len(word)-2])) {
		plural.Resource = word + "s" // gateways; upstream's guess is gatewaies
	}
	return plural
}

func (r *request) operationOptions(operation admission.Operation) (runtime.Object, error) {
	var options runtime.Object
	switch operation {
	case admission.Create:
		options = &metav1.CreateOptions{TypeMeta: optionsType("CreateOptions")}
	case admission.Update:
		options = &metav1.UpdateOptions{TypeMeta: optionsType("UpdateOptions")}
	case admission.Delete:
		options = &metav1.DeleteOptions{TypeMeta: optionsType("DeleteOptions")}
	default:
		return nil, nil
	}
	if absent(r.Options) {
		return options, nil
	}
	return options, json.Unmarshal(r.Options, options)
}

func optionsType(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: metav1.SchemeGroupVersion.String(), Kind: kind}
}

// newMatcher gives the matcher of policies over the request's Namespace objects.
func (r *request) newMatcher(own string) (*matching.Matcher, error) {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	invent := own != ""
	var given []json.RawMessage
	switch {
	case absent(r.Namespace):
	case string(r.Namespace) == "false":
		invent = false
	case r.Namespace[0] == '[':
		if err := json.Unmarshal(r.Namespace, &given); err != nil {
			return nil, err
		}
	default:
		given = []json.RawMessage{r.Namespace}
	}
	for _, raw := range given {
		namespace := &corev1.Namespace{}
		if err := decodeInto(raw, namespace); err != nil {
			return nil, fmt.Errorf("namespace: %w", err)
		}
		if err := store.Add(withNameLabel(namespace)); err != nil {
			return nil, err
		}
		invent = invent && namespace.Name != own
	}
	if invent {
		made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: own}}
		made.Spec.Finalizers = []corev1.FinalizerName{corev1.FinalizerKubernetes}
		scheme.Default(made)
		if err := store.Add(withNameLabel(made)); err != nil {
			return nil, err
		}
	}
	return matching.NewMatcher(corev1listers.NewNamespaceLister(store), noCluster{}), nil
}

// withNameLabel adds the label that the API server puts on every namespace.
func withNameLabel(namespace *corev1.Namespace) *corev1.Namespace {
	labels := maps.Clone(namespace.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[corev1.LabelMetadataName] = namespace.Name
	namespace.Labels = labels
	return namespace
}

// noCluster stands for an API server in which nothing is found that the listers do not have.
type noCluster struct{ kubernetes.Interface }

func (noCluster) CoreV1() corev1client.CoreV1Interface { return noCore{} }

type noCore struct{ corev1client.CoreV1Interface }

func (noCore) Namespaces() corev1client.NamespaceInterface { return noNamespaces{} }

type noNamespaces struct {
	corev1client.NamespaceInterface
}

func (noNamespaces) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.Namespace, error) {
	return nil, apierrors.NewNotFound(corev1.Resource("namespaces"), name)
}

// paramSource holds the params of a question in the place of an informer.
type paramSource struct {
	store    cache.Indexer
	resource schema.GroupResource
}

func (s *paramSource) Informer() cache.SharedIndexInformer { return syncedInformer{} }
func (s *paramSource) Lister() cache.GenericLister {
	return cache.NewGenericLister(s.store, s.resource)
}

type syncedInformer struct{ cache.SharedIndexInformer }

func (syncedInformer) HasSynced() bool { return true }

var knownInformers = informers.NewSharedInformerFactory(nil, 0)

// newParams gives what a policy with this kind of params finds in the cluster; an error where there is no such kind.
func newParams(paramKind schema.GroupVersionKind, raws []json.RawMessage, mapper meta.RESTMapper) (informers.GenericInformer,
	meta.RESTScope, error) {
	mapping, err := mapper.RESTMapping(paramKind.GroupKind(), paramKind.Version)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to find resource referenced by paramKind: '%v'", paramKind)
	}
	source := &paramSource{resource: mapping.Resource.GroupResource(),
		store: cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
	_, err = knownInformers.ForResource(mapping.Resource)
	typed := err == nil
	for _, raw := range raws {
		kind, err := kindOf(raw)
		if err != nil {
			return nil, nil, fmt.Errorf("params: %w", err)
		}
		if kind != paramKind {
			continue
		}
		object, _, err := decode(raw, true, false)
		if err != nil {
			return nil, nil, fmt.Errorf("params: %w", err)
		}
		if typed {
			// A typed client does not keep apiVersion and kind.
			object.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
		} else if _, custom := object.(*unstructured.Unstructured); !custom {
			content, err := asSeen(object)
			if err != nil {
				return nil, nil, err
			}
			object = &unstructured.Unstructured{Object: content}
		}
		if accessor, err := meta.Accessor(object); err == nil && accessor.GetUID() == "" {
			accessor.SetUID(types.UID(accessor.GetNamespace() + "/" + accessor.GetName()))
		}
		if err := source.store.Add(object); err != nil {
			return nil, nil, err
		}
	}
	return source, mapping.Scope, nil
}
