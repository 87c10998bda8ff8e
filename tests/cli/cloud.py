#!/usr/bin/env python3
"""Managed clusters: descriptions by the providers' tools and Terraform, written from the API references: who can reach the API server,
and what rules find, at which line."""
from lib import *

EKS = """{
  "cluster": {
    "name": "shop",
    "arn": "arn:aws:eks:eu-central-1:111122223333:cluster/shop",
    "version": "1.35",
    "endpoint": "https://A1B2.gr7.eu-central-1.eks.amazonaws.com",
    "resourcesVpcConfig": {
      "subnetIds": ["subnet-1"],
      "endpointPublicAccess": PUBLIC,
      "endpointPrivateAccess": PRIVATE,
      "publicAccessCidrs": CIDRS
    },
    "logging": {"clusterLogging": [
      {"types": ["api", "audit"], "enabled": true},
      {"types": ["scheduler"], "enabled": false}]},
    "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:eu-central-1:111122223333:key/k"}}]
  }
}
"""


def eks(public="true", private="true", cidrs='["203.0.113.0/24"]'):
    return EKS.replace("PUBLIC", public).replace("PRIVATE", private).replace("CIDRS", cidrs)


def gke(**members):
    """A cluster of GKE as gcloud prints it: what is false is left out."""
    return json.dumps({"name": "shop", "location": "europe-west3", "currentMasterVersion": "1.35.1-gke.1000", "endpoint": "198.51.100.7",
                       "selfLink": "https://container.googleapis.com/v1/projects/p/locations/europe-west3/clusters/shop",
                       "loggingService": "logging.googleapis.com/kubernetes", "monitoringService": "monitoring.googleapis.com/kubernetes",
                       "releaseChannel": {"channel": "REGULAR"}, "databaseEncryption": {"state": "ENCRYPTED", "keyName": "projects/p/k"},
                       "privateClusterConfig": {"enablePrivateNodes": True}, **members}, indent=2)


def gke_new(ip, dns):
    return gke(controlPlaneEndpointsConfig={"ipEndpointsConfig": ip, "dnsEndpointConfig": {"endpoint": "gke-1.eu.gke.goog", **dns}})


def aks(profile, **members):
    return json.dumps({"name": "shop", "type": "Microsoft.ContainerService/ManagedClusters", "location": "westeurope",
                       "currentKubernetesVersion": "1.35.1", "fqdn": "shop-1.hcp.westeurope.azmk8s.io", "apiServerAccessProfile": profile,
                       "disableLocalAccounts": True, "aadProfile": {"managed": True, "enableAzureRbac": True},
                       "agentPoolProfiles": [{"name": "n", "enableNodePublicIp": False}],
                       "securityProfile": {"azureKeyVaultKms": {"enabled": True, "keyId": "https://v.vault.azure.net/keys/k/1"}}, **members}, indent=2)


def oke(public, groups=("ocid1.networksecuritygroup.oc1..a",)):
    return json.dumps({"data": {"id": "ocid1.cluster.oc1.eu-frankfurt-1.a", "name": "shop", "kubernetes-version": "v1.35.1", "kms-key-id": "ocid1.key.oc1..k",
                                "endpoint-config": {"is-public-ip-enabled": public, "nsg-ids": list(groups), "subnet-id": "ocid1.subnet.oc1..a"},
                                "endpoints": {"public-endpoint": "198.51.100.9:6443", "private-endpoint": "10.0.0.5:6443"}}}, indent=2)


def group_rules(*sources, port=6443):
    return json.dumps({"data": [{"direction": "INGRESS", "protocol": "6", "source": s, "source-type": "CIDR_BLOCK",
                                 "tcp-options": {"destination-port-range": {"min": port, "max": port}}} for s in sources]})


def security_list(*sources, port=6443):
    return json.dumps({"data": {"id": "ocid1.securitylist.oc1..a", "egress-security-rules": [{"destination": "0.0.0.0/0", "protocol": "all"}],
                                "ingress-security-rules": [{"protocol": "6", "source": s, "source-type": "CIDR_BLOCK",
                                                            "tcp-options": {"destination-port-range": {"min": port, "max": port}}} for s in sources]}})


def plan(kind, values, unknown=None):
    """A plan whose resource is in a module."""
    address = f"module.cluster.{kind}.shop"
    return json.dumps({"format_version": "1.2", "planned_values": {"root_module": {"child_modules": [
        {"address": "module.cluster", "resources": [{"address": address, "mode": "managed", "type": kind, "name": "shop", "values": values}]}]}},
        "resource_changes": [{"address": address, "change": {"actions": ["create"], "after_unknown": unknown or {}}}]})


def verdict(*texts, kubeconfig=None):
    files = {f"{i}.json": text for i, text in enumerate(texts)}
    if kubeconfig:
        files["kubeconfig.yaml"] = kubeconfig
    with Folder(files) as folder:
        r = run("endpoint", "-o", "json", folder)
    clusters = r.json["clusters"]
    assert len(clusters) == 1, r
    assert r.status == {"open": 1, "wide": 1, "restricted": 0, "private": 0, "unknown": 3}[clusters[0]["endpoint"]["verdict"]["value"]], r
    return clusters[0]["endpoint"]["verdict"]["value"]


def test_eks():
    assert verdict(eks()) == "restricted"
    assert verdict(eks(cidrs='["0.0.0.0/0"]')) == "open"
    assert verdict(eks(cidrs="[]")) == "open"
    assert verdict(eks(public="false")) == "private"
    assert verdict(eks(public="false", cidrs='["0.0.0.0/0"]')) == "private"
    assert verdict(eks(cidrs='["203.0.113.0/24", "10.0.0.0/8"]')) == "wide"


def test_ranges():
    def of(*cidrs):
        return verdict(eks(cidrs=json.dumps(cidrs)))
    assert of("0.0.0.0/1", "128.0.0.0/1") == "open"
    assert of(*[f"{16 * i}.0.0.0/4" for i in range(16)]) == "open"
    assert of(*[f"{i}.0.0.0/8" for i in range(128, 256)]) == "open"
    assert of(*[f"{i}.0.0.0/8" for i in range(128, 192)], *[f"{i}.0.0.0/8" for i in range(128, 192)]) == "wide"
    assert of("::/0") == "open" and of("2000::/3") == "open" and of("2000::/4") == "open"
    assert of("2001:db8::/31") == "wide" and of("2001:db8::/32") == "restricted"
    assert of("198.18.0.0/15") == "wide" and of("198.18.0.0/16") == "restricted" and of("198.51.100.7") == "restricted"
    assert of("0.0.0.0/32") == "restricted"


def test_gke_in_the_old_form():
    nets = {"enabled": True, "cidrBlocks": [{"displayName": "office", "cidrBlock": "203.0.113.0/24"}]}
    assert verdict(gke()) == "open"
    assert verdict(gke(masterAuthorizedNetworksConfig={})) == "open"
    assert verdict(gke(masterAuthorizedNetworksConfig=nets)) == "restricted"
    assert verdict(gke(masterAuthorizedNetworksConfig={**nets, "gcpPublicCidrsAccessEnabled": True})) == "wide"
    assert verdict(gke(privateClusterConfig={"enablePrivateNodes": True, "enablePrivateEndpoint": True})) == "private"
    assert verdict(gke(masterAuthorizedNetworksConfig={"enabled": True})) == "restricted"


def test_gke_in_the_new_form():
    nets = {"enabled": True, "cidrBlocks": [{"cidrBlock": "203.0.113.0/24"}]}
    assert verdict(gke_new({"enabled": True, "enablePublicEndpoint": True}, {})) == "open"
    assert verdict(gke_new({"enabled": True, "enablePublicEndpoint": True, "authorizedNetworksConfig": nets}, {})) == "restricted"
    assert verdict(gke_new({"enabled": True}, {})) == "private"
    assert verdict(gke_new({}, {})) == "private"
    # No list of addresses holds for the DNS endpoint.
    assert verdict(gke_new({"enabled": True, "enablePublicEndpoint": True, "authorizedNetworksConfig": nets}, {"allowExternalTraffic": True})) == "open"
    assert verdict(gke_new({}, {"allowExternalTraffic": True})) == "open"


def test_aks():
    assert verdict(aks(None)) == "open"
    assert verdict(aks({"authorizedIpRanges": ["203.0.113.0/24"]})) == "restricted"
    assert verdict(aks({"authorizedIpRanges": []})) == "open"
    assert verdict(aks({"enablePrivateCluster": True})) == "private"
    # The API itself spells otherwise, and nests.
    api = json.dumps({"name": "shop", "kind": "Base", "type": "Microsoft.ContainerService/managedClusters",
                      "properties": {"kubernetesVersion": "1.35", "apiServerAccessProfile": {"authorizedIPRanges": ["203.0.113.7/32"]}}})
    assert verdict(api) == "restricted"


def test_oke_needs_the_rules_of_its_network():
    assert verdict(oke(False)) == "private"
    assert verdict(oke(True)) == "unknown"
    assert verdict(oke(True), group_rules("203.0.113.0/24")) == "unknown"
    assert verdict(oke(True), group_rules("203.0.113.0/24"), security_list()) == "restricted"
    assert verdict(oke(True, groups=()), security_list("203.0.113.0/24")) == "restricted"
    # Rules only add: one that lets everybody in is enough.
    assert verdict(oke(True), group_rules("0.0.0.0/0")) == "open"
    assert verdict(oke(True), group_rules("203.0.113.0/24"), security_list("0.0.0.0/0")) == "open"
    assert verdict(oke(True), group_rules("0.0.0.0/0", port=443), security_list("203.0.113.0/24")) == "restricted"


def test_terraform():
    vpc = {"endpoint_public_access": True, "endpoint_private_access": True}
    assert verdict(plan("aws_eks_cluster", {"name": "s", "vpc_config": [{**vpc, "public_access_cidrs": ["203.0.113.0/24"]}]})) == "restricted"
    assert verdict(plan("aws_eks_cluster", {"name": "s", "vpc_config": [{**vpc, "public_access_cidrs": ["0.0.0.0/0"]}]})) == "open"
    assert verdict(plan("aws_eks_cluster", {"name": "s", "vpc_config": [vpc]}, {"vpc_config": [{"public_access_cidrs": True}]})) == "unknown"
    assert verdict(plan("google_container_cluster", {"name": "s", "master_authorized_networks_config": []})) == "open"
    assert verdict(plan("google_container_cluster", {"name": "s", "master_authorized_networks_config": [{"cidr_blocks": [{"cidr_block": "203.0.113.0/24"}]}]})) == "restricted"
    assert verdict(plan("google_container_cluster", {"name": "s", "private_cluster_config": [{"enable_private_endpoint": True, "enable_private_nodes": True}]})) == "private"
    assert verdict(plan("azurerm_kubernetes_cluster", {"name": "s", "private_cluster_enabled": True})) == "private"
    assert verdict(plan("azurerm_kubernetes_cluster", {"name": "s", "private_cluster_enabled": False, "api_server_access_profile": [{"authorized_ip_ranges": ["203.0.113.0/24"]}]})) == "restricted"
    assert verdict(plan("oci_containerengine_cluster", {"name": "s", "endpoint_config": [{"is_public_ip_enabled": False}]})) == "private"


def test_lists_of_clusters():
    with Folder({"all.json": json.dumps([json.loads(aks(None)), json.loads(aks({"enablePrivateCluster": True}, name="inner"))])}) as folder:
        r = run("endpoint", "-o", "json", folder)
    assert [(c["metadata"]["name"], c["endpoint"]["verdict"]["value"]) for c in r.json["clusters"]] == [("shop", "open"), ("inner", "private")]


KUBECONFIG = """apiVersion: v1
kind: Config
clusters:
  - name: shop
    cluster:
      server: https://A1B2.gr7.eu-central-1.eks.amazonaws.com
  - name: other
    cluster: {server: "https://192.0.2.1:6443"}
"""


def test_kubeconfigs_are_joined():
    with Folder({"eks.json": eks(), "kubeconfig.yaml": KUBECONFIG}) as folder:
        r = run("endpoint", "-o", "json", os.path.join(folder, "eks.json"), "--kubeconfig", os.path.join(folder, "kubeconfig.yaml"))
    config, = r.json["clusters"][0]["endpoint"]["kubeconfigs"]
    assert config["door"] == "publicAndPrivate" and (config["place"]["line"], config["place"]["column"]) == (6, 15)
    assert r.json["unmatched"] == ["https://192.0.2.1:6443"]


def test_the_text():
    r = run("endpoint", "-", stdin=eks(cidrs='["0.0.0.0/0"]'))
    assert r.status == 1 and "shop (EKS" in r.text and "open: the public endpoint takes connections from everywhere" in r.text
    assert "<stdin>:11:29" in r.text and "0.0.0.0/0" in r.text


def test_scan_finds_at_the_field():
    r = run("scan", "-o", "json", "--rule", "api/cloud-endpoint-open,api/cloud-endpoint-public", "-", stdin=eks(cidrs='["0.0.0.0/0"]'))
    assert sorted((f["rule"], f["location"]["line"], f["location"]["column"]) for f in r.json["findings"]) == [
        ("api/cloud-endpoint-open", 11, 29), ("api/cloud-endpoint-public", 9, 31)], r


def test_what_is_missing_is_found_at_its_map():
    text = '{\n  "cluster": {\n    "name": "shop",\n    "resourcesVpcConfig":\n      {"vpcId": "v"}\n  }\n}\n'
    r = run("scan", "-o", "json", "--rule", "api/cloud-endpoint-open", "-", stdin=text)
    assert [(f["location"]["line"], f["location"]["column"]) for f in r.json["findings"]] == [(5, 7)], r


def test_a_cluster_in_order_has_no_finding():
    for text in (eks(public="false"), aks({"enablePrivateCluster": True, "disableRunCommand": True}), oke(False),
                 gke(privateClusterConfig={"enablePrivateNodes": True, "enablePrivateEndpoint": True})):
        r = run("scan", "-o", "json", "-", stdin=text)
        assert r.status == 0 and r.json["findings"] == [], r


def test_the_benchmarks_judge_it():
    r = run("scan", "--framework", "cis-eks-1.8", "-o", "json", "-", stdin=eks(cidrs='["0.0.0.0/0"]'))
    status = {c["id"]: c["status"] for c in r.json["controls"]}
    assert (status["5.4.1"], status["5.4.2"], status["2.1.1"], status["5.3.1"]) == ("fail", "fail", "pass", "pass")


def test_unknown_is_not_judged():
    r = run("scan", "--rule", "api/cloud-endpoint-open", "-o", "json", "-", stdin=oke(True))
    assert r.status == 3 and r.json["findings"] == [], r


def test_nothing_described():
    r = run("endpoint", "-", stdin='{"colour": "blue"}')
    assert r.status == 2 and "no description of a managed cluster" in r.err, r


def test_too_many_are_told():
    text = plan("null_resource", {})
    many = json.loads(text)
    many["planned_values"]["root_module"]["resources"] = [
        {"address": f"aws_eks_cluster.a{i}", "mode": "managed", "type": "aws_eks_cluster", "values": {"name": "s"}} for i in range(2049)]
    r = run("endpoint", "-o", "json", "-", stdin=json.dumps(many))
    assert r.status == 3 and len(r.json["clusters"]) == 2048 and "not all were looked at" in r.err
    r = run("scan", "--rule", "api/cloud-endpoint-open", "-o", "json", "-", stdin=json.dumps(many))
    assert r.status == 3 and len(r.json["findings"]) == 2048 and "not all were looked at" in json.dumps(r.json["diagnostics"])


def test_hostile_texts_are_escaped_and_do_no_harm():
    r = run("endpoint", "-", stdin=eks(cidrs='["\\u001b[31m0.0.0.0/0"]').replace('"shop"', '"\\u001b[2J"'))
    assert "\x1b" not in r.text + r.err
    for broken in ('{"cluster": {"resourcesVpcConfig": []}}', '{"format_version": 1, "values": {"root_module": []}}', '{"data": [[], 1, null]}', "[[[]]]",
                   '{"id": "ocid1.cluster.", "endpointConfig": [1]}', '{"cluster": {"resourcesVpcConfig": {"publicAccessCidrs": {"a": 1}, "endpointPublicAccess": "perhaps"}}}'):
        assert run("scan", "-", stdin=broken).status in (0, 1, 3), broken
        assert run("endpoint", "-", stdin=broken).status in (0, 1, 2, 3), broken


main()
