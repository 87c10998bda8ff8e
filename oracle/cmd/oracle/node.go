package main

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/pkg/auth/nodeidentifier"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/node"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// nodeObjects is what the node authorizer knows of a cluster.
type nodeObjects struct{ graph *node.Graph }

// add tells the graph of an object as the API server's handlers of events do.
func (n *nodeObjects) add(kind string, raw json.RawMessage) error {
	if n.graph == nil {
		n.graph = node.NewGraph()
	}
	switch kind {
	case "Pod":
		pod := &corev1.Pod{}
		if err := decodeInto(raw, pod); err != nil {
			return err
		}
		if pod.Spec.NodeName != "" {
			n.graph.AddPod(pod)
		}
	case "PersistentVolume":
		volume := &corev1.PersistentVolume{}
		if err := decodeInto(raw, volume); err != nil {
			return err
		}
		n.graph.AddPV(volume)
	case "VolumeAttachment":
		attachment := &storagev1.VolumeAttachment{}
		if err := decodeInto(raw, attachment); err != nil {
			return err
		}
		n.graph.AddVolumeAttachment(attachment.Name, attachment.Spec.NodeName)
	case "ResourceSlice":
		slice := &resourcev1.ResourceSlice{}
		if err := decodeInto(raw, slice); err != nil {
			return err
		}
		name := ""
		if slice.Spec.NodeName != nil {
			name = *slice.Spec.NodeName
		}
		n.graph.AddResourceSlice(slice.Name, name)
	default:
		return fmt.Errorf("no authorizer looks at a %s", kind)
	}
	return nil
}

func (n *nodeObjects) authorizer() authorizer.Authorizer {
	return node.NewAuthorizer(n.graph, nodeidentifier.NewDefaultNodeIdentifier(), bootstrappolicy.NodeRules())
}
