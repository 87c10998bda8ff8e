"""How the controls that rules answer correspond to the reasons that upstream's Pod Security gives."""

CONTROLS = {
    "allowPrivilegeEscalation != false": "allowPrivilegeEscalation", "forbidden AppArmor profile": "appArmor",
    "forbidden AppArmor profiles": "appArmor", "forbidden sysctls": "sysctls", "host namespaces": "hostNamespaces",
    "hostPath volumes": "hostPathVolumes", "hostPort": "hostPorts", "hostProcess": "windowsHostProcess",
    "non-default capabilities": "capabilities", "unrestricted capabilities": "capabilities",
    "privileged": "privileged", "probe or lifecycle host": "hostProbesAndHostLifecycle", "procMount": "procMount",
    "restricted volume types": "volumeTypes", "runAsNonRoot != true": "runAsNonRoot", "runAsUser=0": "runAsUser",
    "seLinuxOptions": "seLinuxOptions", "seccompProfile": "seccomp",
}


def told_once(controls):
    """CONTROLS without hostPorts where the host's namespaces are told: with hostNetwork every port is one of the node."""
    return controls - {"hostPorts"} if "hostNamespaces" in controls else controls


def controls_of_reasons(reasons):
    """The controls that upstream's REASONS are about."""
    return told_once({CONTROLS[reason] for reason in reasons})


def controls_of_finding(finding, level):
    """The controls of LEVEL that a finding of a JSON report is about."""
    names = {c.partition(":")[2] for c in finding["frameworks"] if c.startswith(("pss-baseline:", "pss-restricted:"))}
    # At the restricted level hostPath is one of the volume types.
    return {"volumeTypes"} if level == "restricted" and "hostPathVolumes" in names else names
