package main

import (
	"context"
	"encoding/json"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	"k8s.io/apiserver/pkg/authorization/union"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
)

// rbacQuestion asks whether somebody may do something ("verb" and a resource or a path), and, with "rules": true, which rules
// somebody has in a namespace. The RBAC objects stand in the question or were loaded under the name "cluster". Where pods or
// other objects that lead to nodes are among them, the node authorizer is asked as well.
type rbacQuestion struct {
	Objects       []json.RawMessage `json:"objects"`
	Cluster       string            `json:"cluster"`
	User          userQuestion      `json:"user"`
	Verb          string            `json:"verb"`
	Group         string            `json:"group"`
	Version       string            `json:"version"`
	Resource      string            `json:"resource"`
	Subresource   string            `json:"subresource"`
	Name          string            `json:"name"`
	Namespace     string            `json:"namespace"`
	Path          string            `json:"path"`
	FieldSelector string            `json:"fieldSelector"`
	LabelSelector string            `json:"labelSelector"`
	Rules         bool              `json:"rules"`
}

type rbacAnswer struct {
	Allowed bool   `json:"allowed"`
	Reason  string `json:"reason"`
	Error   string `json:"evaluationError,omitempty"`
	// Rules that apply, in the order in which they are looked at, each with what grants it.
	Rules []grantedRule `json:"rules,omitempty"`
}

type grantedRule struct {
	Source string             `json:"source,omitempty"`
	Rule   *rbacv1.PolicyRule `json:"rule,omitempty"`
	Error  string             `json:"error,omitempty"`
}

// rbacRules holds the authorizer of the API server over a set of RBAC objects.
type rbacRules struct {
	authorizer authorizer.Authorizer
	resolver   validation.AuthorizationRuleResolver
}

func newRBAC(raws []json.RawMessage) (*rbacRules, error) {
	index := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
	roles := cache.NewIndexer(cache.MetaNamespaceKeyFunc, index)
	roleBindings := cache.NewIndexer(cache.MetaNamespaceKeyFunc, index)
	clusterRoles := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	clusterRoleBindings := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	nodes := &nodeObjects{}
	for _, raw := range raws {
		gvk, err := kindOf(raw)
		if err != nil {
			return nil, err
		}
		var store cache.Indexer
		var object runtime.Object
		switch gvk.Kind {
		case "Role":
			store, object = roles, &rbacv1.Role{}
		case "RoleBinding":
			store, object = roleBindings, &rbacv1.RoleBinding{}
		case "ClusterRole":
			store, object = clusterRoles, &rbacv1.ClusterRole{}
		case "ClusterRoleBinding":
			store, object = clusterRoleBindings, &rbacv1.ClusterRoleBinding{}
		default:
			if err := nodes.add(gvk.Kind, raw); err != nil {
				return nil, err
			}
			continue
		}
		if err := decodeInto(raw, object); err != nil {
			return nil, err
		}
		if err := store.Add(object); err != nil {
			return nil, err
		}
	}
	getRole := &rbac.RoleGetter{Lister: rbaclisters.NewRoleLister(roles)}
	listRoleBindings := &rbac.RoleBindingLister{Lister: rbaclisters.NewRoleBindingLister(roleBindings)}
	getClusterRole := &rbac.ClusterRoleGetter{Lister: rbaclisters.NewClusterRoleLister(clusterRoles)}
	listClusterRoleBindings := &rbac.ClusterRoleBindingLister{Lister: rbaclisters.NewClusterRoleBindingLister(clusterRoleBindings)}
	// Members of system:masters may do everything before anybody else is asked.
	chain := []authorizer.Authorizer{authorizerfactory.NewPrivilegedGroups(user.SystemPrivilegedGroup)}
	if nodes.graph != nil {
		chain = append(chain, nodes.authorizer())
	}
	chain = append(chain, rbac.New(getRole, listRoleBindings, getClusterRole, listClusterRoleBindings))
	return &rbacRules{
		authorizer: union.New(chain...),
		resolver:   validation.NewDefaultRuleResolver(getRole, listRoleBindings, getClusterRole, listClusterRoleBindings),
	}, nil
}

func rbacFor(cluster string, objects []json.RawMessage) (*rbacRules, error) {
	if cluster == "" {
		return newRBAC(objects)
	}
	loaded, known := clusters.Load(cluster)
	if !known {
		return nil, fmt.Errorf("there is no cluster %q", cluster)
	}
	return loaded.(*rbacRules), nil
}

func authorizerFor(cluster string, objects []json.RawMessage) (authorizer.Authorizer, error) {
	rules, err := rbacFor(cluster, objects)
	if err != nil {
		return nil, fmt.Errorf("rbac: %w", err)
	}
	return rules.authorizer, nil
}

func (q *rbacQuestion) answer() (any, error) {
	rules, err := rbacFor(q.Cluster, q.Objects)
	if err != nil {
		return nil, err
	}
	answer := rbacAnswer{}
	if q.Verb != "" {
		attributes, err := q.attributes()
		if err != nil {
			return nil, err
		}
		decided, reason, err := rules.authorizer.Authorize(context.Background(), attributes)
		answer.Allowed, answer.Reason = decided == authorizer.DecisionAllow, reason
		if err != nil {
			answer.Error = err.Error()
		}
	}
	if q.Rules {
		rules.resolver.VisitRulesFor(context.Background(), q.User.info(), q.Namespace,
			func(source fmt.Stringer, rule *rbacv1.PolicyRule, err error) bool {
				granted := grantedRule{Rule: rule}
				if source != nil {
					granted.Source = source.String()
				}
				if err != nil {
					granted.Error = err.Error()
				}
				answer.Rules = append(answer.Rules, granted)
				return true
			})
	}
	return answer, nil
}

func (q *rbacQuestion) attributes() (authorizer.Attributes, error) {
	attributes := authorizer.AttributesRecord{User: q.User.info(), Verb: q.Verb, Namespace: q.Namespace, APIGroup: q.Group,
		APIVersion: q.Version, Resource: q.Resource, Subresource: q.Subresource, Name: q.Name, ResourceRequest: q.Path == "",
		Path: q.Path}
	if q.FieldSelector != "" {
		selector, err := fields.ParseSelector(q.FieldSelector)
		if err != nil {
			return nil, err
		}
		attributes.FieldSelectorRequirements = selector.Requirements()
	}
	if q.LabelSelector != "" {
		selector, err := labels.Parse(q.LabelSelector)
		if err != nil {
			return nil, err
		}
		attributes.LabelSelectorRequirements, _ = selector.Requirements()
	}
	return attributes, nil
}
