package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"time"

	admissionregistration "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
)

// benchQuestion asks how fast policies judge objects, which have their defaults already. Policies are compiled and objects decoded
// once; then every pair of the two, given by their indices, is judged again and again for so many seconds of processor time.
type benchQuestion struct {
	Policies []json.RawMessage `json:"policies"`
	Objects  []json.RawMessage `json:"objects"`
	Pairs    [][2]int          `json:"pairs"`
	Seconds  float64           `json:"seconds"`
}

// benchAnswer has verdicts ("a" admitted, "d" denied) of each pair, and judgements a second.
type benchAnswer struct {
	Verdicts string `json:"verdicts"`
	// As the API server makes them: its objects are Go values, which every evaluation turns into maps.
	Typed float64 `json:"typed"`
	// Of objects that are maps already.
	Untyped float64 `json:"untyped"`
	// The same, but only the time that passes in cel-go counts, for validations and the variables that they use; that of match
	// conditions and messages does not.
	CEL float64 `json:"cel"`
}

func (q *benchQuestion) answer() (any, error) {
	var evaluators []validating.Validator
	for _, raw := range q.Policies {
		policy := &admissionregistration.ValidatingAdmissionPolicy{}
		if err := decodeInto(raw, policy); err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		evaluators = append(evaluators, compileValidating(policy))
	}
	mapper := mapperWith(nil)
	var typed, untyped []*admission.VersionedAttributes
	for _, raw := range q.Objects {
		content := &unstructured.Unstructured{}
		if err := utiljson.Unmarshal(raw, &content.Object); err != nil {
			return nil, err
		}
		kind := content.GroupVersionKind()
		_, resource, err := (&request{}).kindAndResource(content, mapper)
		if err != nil {
			return nil, err
		}
		object, of := asTyped(raw, content), admission.NewAttributesRecord(content, nil, kind, content.GetNamespace(),
			content.GetName(), resource, "", admission.Create, nil, false, &user.DefaultInfo{})
		typed = append(typed, &admission.VersionedAttributes{Attributes: of, VersionedObject: object, VersionedKind: kind})
		untyped = append(untyped, &admission.VersionedAttributes{Attributes: of, VersionedObject: content, VersionedKind: kind})
	}
	verdicts, _ := q.judge(evaluators, typed)
	if other, _ := q.judge(evaluators, untyped); other != verdicts {
		return nil, errors.New("the verdicts depend on the form of the objects")
	}
	answer := &benchAnswer{Verdicts: verdicts}
	answer.Typed, _ = q.measure(evaluators, typed)
	answer.Untyped, answer.CEL = q.measure(evaluators, untyped)
	return answer, nil
}

// asTyped gives the object in the type that the scheme has for it; CONTENT where there is none, or where that would change it.
func asTyped(raw json.RawMessage, content *unstructured.Unstructured) runtime.Object {
	object, _, err := decode(raw, false, false)
	if err != nil {
		return content
	}
	if seen, err := asSeen(object); err != nil || !reflect.DeepEqual(seen, content.Object) {
		return content
	}
	return object
}

// judge judges every pair once, and tells how long cel-go took for the validations.
func (q *benchQuestion) judge(evaluators []validating.Validator, objects []*admission.VersionedAttributes) (string, time.Duration) {
	ctx, inside := context.Background(), time.Duration(0)
	verdicts := make([]byte, 0, len(q.Pairs))
	for _, pair := range q.Pairs {
		object, verdict := objects[pair[1]], byte('a')
		result := evaluators[pair[0]].Validate(ctx, object.GetResource(), object, nil, nil, celconfig.RuntimeCELCostBudget, nil)
		for _, d := range result.Decisions {
			inside += d.Elapsed
			if d.Action == validating.ActionDeny {
				verdict = 'd'
			}
		}
		verdicts = append(verdicts, verdict)
	}
	return string(verdicts), inside
}

// measure gives judgements a second: of processor time, and of that part of it which is spent within cel-go.
func (q *benchQuestion) measure(evaluators []validating.Validator, objects []*admission.VersionedAttributes) (whole, cel float64) {
	start, began, count, inside := processorTime(), time.Now(), 0, time.Duration(0)
	for {
		_, elapsed := q.judge(evaluators, objects)
		inside += elapsed
		count += len(q.Pairs)
		if took := (processorTime() - start).Seconds(); took >= q.Seconds {
			whole = float64(count) / took
			return whole, whole * float64(time.Since(began)) / float64(inside)
		}
	}
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
