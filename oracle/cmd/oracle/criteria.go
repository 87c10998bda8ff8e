package main

import (
	admissionregistration "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// criteria are a policy's match constraints in the form that upstream's matcher takes.
type criteria struct {
	constraints *admissionregistration.MatchResources
}

func criteriaOf(policy *admissionregistration.MutatingAdmissionPolicy) criteria {
	if policy.Spec.MatchConstraints == nil {
		return criteria{&admissionregistration.MatchResources{}}
	}
	return criteria{policy.Spec.MatchConstraints}
}

func (c criteria) GetParsedNamespaceSelector() (labels.Selector, error) {
	return metav1.LabelSelectorAsSelector(c.constraints.NamespaceSelector)
}

func (c criteria) GetParsedObjectSelector() (labels.Selector, error) {
	return metav1.LabelSelectorAsSelector(c.constraints.ObjectSelector)
}

func (c criteria) GetMatchResources() admissionregistration.MatchResources { return *c.constraints }
