package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// decodeQuestion asks what becomes of an object on its way into the API server: decoded, defaulted and converted, as the JSON
// that a policy would see. "to" is another version of its group; "default": false only decodes.
type decodeQuestion struct {
	Object  json.RawMessage `json:"object"`
	Strict  bool            `json:"strict"`
	Default *bool           `json:"default"`
	To      string          `json:"to"`
}

type decodeAnswer struct {
	Object   any      `json:"object"`
	Known    bool     `json:"known"`              // the scheme has a type for it
	Problems []string `json:"problems,omitempty"` // what strict decoding objects to
}

func (q *decodeQuestion) answer() (any, error) {
	object, problems, err := decodeAs(q.Object, q.Default == nil || *q.Default, q.Strict, q.To)
	if err != nil {
		return nil, err
	}
	gvk := object.GetObjectKind().GroupVersionKind()
	seen, err := asSeen(object)
	return decodeAnswer{seen, scheme.Recognizes(gvk), problems}, err
}

// asSeen gives the form in which CEL gets an object.
func asSeen(object runtime.Object) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(object)
}

func jsonSerializer(strict bool) runtime.Serializer {
	for _, info := range legacyscheme.Codecs.SupportedMediaTypes() {
		if info.MediaType == runtime.ContentTypeJSON {
			if strict {
				return info.StrictSerializer
			}
			return info.Serializer
		}
	}
	panic("there is no serializer for JSON")
}

// kindOf reads apiVersion and kind.
func kindOf(raw json.RawMessage) (schema.GroupVersionKind, error) {
	var head struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return schema.GroupVersionKind{}, err
	}
	version, err := schema.ParseGroupVersion(head.APIVersion)
	if err == nil && head.Kind == "" {
		err = errors.New("the object has no kind")
	}
	return version.WithKind(head.Kind), err
}

func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(bytes.TrimSpace(raw), []byte("null"))
}

// decode reads an object in the version that it is written in.
func decode(raw json.RawMessage, defaults, strict bool) (runtime.Object, []string, error) {
	return decodeAs(raw, defaults, strict, "")
}

// decodeAs reads an object, in the version TO of its group unless that is empty. With DEFAULTS it takes the way of a request: to the internal
// version with all defaults, and back. A kind that the scheme does not know stays as it is.
func decodeAs(raw json.RawMessage, defaults, strict bool, to string) (runtime.Object, []string, error) {
	gvk, err := kindOf(raw)
	if err != nil {
		return nil, nil, err
	}
	if !scheme.Recognizes(gvk) {
		object := &unstructured.Unstructured{}
		return object, nil, utiljson.Unmarshal(raw, &object.Object)
	}
	decoder := runtime.Decoder(jsonSerializer(strict))
	if defaults {
		decoder = legacyscheme.Codecs.DecoderToVersion(jsonSerializer(strict), runtime.InternalGroupVersioner)
	}
	object, _, err := decoder.Decode(raw, nil, nil)
	var problems []string
	if strictError, is := runtime.AsStrictDecodingError(err); is && object != nil {
		for _, problem := range strictError.Errors() {
			problems = append(problems, problem.Error())
		}
	} else if err != nil {
		return nil, nil, err
	}
	if !defaults {
		object.GetObjectKind().SetGroupVersionKind(gvk)
	}
	if to != "" {
		version, err := schema.ParseGroupVersion(to)
		if err != nil {
			return nil, nil, err
		}
		gvk = version.WithKind(gvk.Kind)
	}
	object, err = convert(object, gvk)
	return object, problems, err
}

// convert gives an object in another version of its group.
func convert(object runtime.Object, to schema.GroupVersionKind) (runtime.Object, error) {
	if object.GetObjectKind().GroupVersionKind() == to {
		return object, nil
	}
	hub, err := toHub(object)
	if err != nil {
		return nil, err
	}
	out, err := scheme.New(to)
	if err != nil {
		return nil, err
	}
	if err := scheme.Convert(hub, out, nil); err != nil {
		return nil, err
	}
	out.GetObjectKind().SetGroupVersionKind(to)
	return out, nil
}

// toHub gives an object in the internal version of its group. Custom kinds have none, and no object stays none.
func toHub(object runtime.Object) (runtime.Object, error) {
	if _, custom := object.(*unstructured.Unstructured); custom || object == nil {
		return object, nil
	}
	return scheme.UnsafeConvertToVersion(object, runtime.InternalGroupVersioner)
}

// decodeInto reads a whole object of a known type with its defaults.
func decodeInto[T runtime.Object](raw json.RawMessage, into T) error {
	if err := utiljson.Unmarshal(raw, into); err != nil {
		return err
	}
	scheme.Default(into)
	return nil
}

// creater makes objects of the scheme, and generic ones of other kinds.
type creater struct{ *runtime.Scheme }

func (c creater) New(gvk schema.GroupVersionKind) (runtime.Object, error) {
	if c.Recognizes(gvk) {
		return c.Scheme.New(gvk)
	}
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(gvk)
	return object, nil
}

// convertor converts by the scheme. For custom kinds it does what the strategy None of a CustomResourceDefinition does.
type convertor struct{ *runtime.Scheme }

func (c convertor) Convert(in, out, context any) error {
	custom, isCustom := in.(*unstructured.Unstructured)
	target, both := out.(*unstructured.Unstructured)
	if isCustom && both {
		gvk := target.GroupVersionKind()
		target.Object = custom.DeepCopy().Object
		if !gvk.Empty() {
			target.SetGroupVersionKind(gvk)
		}
		return nil
	}
	from, fromIsObject := in.(runtime.Object)
	to, toIsObject := out.(runtime.Object)
	if fromIsObject && toIsObject && c.versioned(from) && c.versioned(to) {
		// Between versions there is only the way through the internal one.
		hub, err := toHub(from)
		if err != nil {
			return err
		}
		in = hub
	}
	return c.Scheme.Convert(in, out, context)
}

func (c convertor) versioned(object runtime.Object) bool {
	kinds, unversioned, err := c.ObjectKinds(object)
	return err == nil && !unversioned && kinds[0].Version != runtime.APIVersionInternal
}

func (c convertor) ConvertToVersion(in runtime.Object, to runtime.GroupVersioner) (runtime.Object, error) {
	if custom, is := in.(*unstructured.Unstructured); is && !c.Recognizes(custom.GroupVersionKind()) {
		return in, nil
	}
	return c.Scheme.ConvertToVersion(in, to)
}

// nameOf gives name and namespace of an object.
func nameOf(object runtime.Object) (name, namespace string, err error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return "", "", fmt.Errorf("the object has no metadata: %w", err)
	}
	return accessor.GetName(), accessor.GetNamespace(), nil
}
