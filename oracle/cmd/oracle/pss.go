package main

import (
	"encoding/json"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/admission"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// pssQuestion asks whether a pod (or what holds a pod template) is allowed at a level of the Pod Security Standards. "version"
// is latest or v1.N; "default": true gives the object its defaults first.
type pssQuestion struct {
	Level   string          `json:"level"`
	Version string          `json:"version"`
	Pod     json.RawMessage `json:"pod"`
	Object  json.RawMessage `json:"object"`
	Default bool            `json:"default"`
}

type pssAnswer struct {
	Allowed bool        `json:"allowed"`
	Reasons []pssReason `json:"reasons,omitempty"`
}

type pssReason struct {
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
}

var podSecurity = sync.OnceValues(func() (policy.Evaluator, error) {
	return policy.NewEvaluator(policy.DefaultChecks(), nil)
})

func (q *pssQuestion) answer() (any, error) {
	evaluator, err := podSecurity()
	if err != nil {
		return nil, err
	}
	level, err := api.ParseLevel(q.Level)
	if err != nil {
		return nil, err
	}
	version := api.LatestVersion()
	if q.Version != "" {
		if version, err = api.ParseVersion(q.Version); err != nil {
			return nil, err
		}
	}
	metadata, spec, err := q.pod()
	if err != nil {
		return nil, err
	}
	answer := pssAnswer{Allowed: true}
	if spec == nil {
		return answer, nil
	}
	for _, result := range evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: version}, metadata, spec) {
		if !result.Allowed {
			answer.Allowed = false
			answer.Reasons = append(answer.Reasons, pssReason{result.ForbiddenReason, result.ForbiddenDetail})
		}
	}
	return answer, nil
}

func (q *pssQuestion) pod() (*metav1.ObjectMeta, *corev1.PodSpec, error) {
	if absent(q.Object) {
		pod := &corev1.Pod{}
		if err := json.Unmarshal(q.Pod, pod); err != nil {
			return nil, nil, err
		}
		if q.Default {
			scheme.Default(pod)
		}
		return &pod.ObjectMeta, &pod.Spec, nil
	}
	object, _, err := decode(q.Object, q.Default, false)
	if err != nil {
		return nil, nil, err
	}
	return admission.DefaultPodSpecExtractor{}.ExtractPodSpec(object)
}
