"""Compares the manifests in deploy/ with the contract of the command: its exit codes and its flags."""

import json
import pathlib
import subprocess
import sys

import botocore.session
import botocore.validate
import yaml

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
failures = []


def expect(condition, message):
    if not condition:
        failures.append(message)


def enums(shape, value, path):
    """botocore does not compare values with the enums of its model, so this does."""
    if shape.type_name == "structure":
        for name, member in value.items():
            if name in shape.members:
                enums(shape.members[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for index, member in enumerate(value):
            enums(shape.member, member, f"{path}[{index}]")
    elif shape.type_name == "string" and getattr(shape, "enum", None):
        expect(value in shape.enum, f"{path}: {value} is none of {shape.enum}")


def mistakes(operation, parameters):
    """What AWS's model of Batch says against a request."""
    service = botocore.session.get_session().get_service_model("batch")
    shape = service.operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate(parameters, shape)
    enums(shape, parameters, operation)
    return report.generate_report() if report.has_errors() else ""


def batch():
    definition = json.loads((DEPLOY / "batch/job-definition.json").read_text())
    submit = json.loads((DEPLOY / "batch/submit-job.json").read_text())
    for operation, parameters in [("RegisterJobDefinition", definition), ("SubmitJob", submit)]:
        found = mistakes(operation, parameters)
        expect(not found, f"{operation}: {found}")

    # The check itself: it must see a misspelt member and a wrong type.
    broken = dict(definition, retryStrategy={"attempts": "ten", "evaluateOnExitt": []})
    found = mistakes("RegisterJobDefinition", broken)
    expect("attempts" in found and "evaluateOnExitt" in found, "botocore overlooks mistakes")

    rules = definition["retryStrategy"]["evaluateOnExit"]
    expect(len(rules) <= 5, "Batch takes five rules at most")
    by_code = {rule["onExitCode"]: rule["action"] for rule in rules if "onExitCode" in rule}
    expected = {"1": "RETRY", "2": "EXIT", "3": "EXIT", "75": "RETRY"}
    expect(by_code == expected, f"Batch decides {by_code} by exit code, not {expected}")
    expect("timeout" not in definition, "Batch does not retry a job that ran into its timeout")

    parameters = definition["parameters"] | submit["parameters"]
    command = definition["containerProperties"]["command"]
    command = [parameters[word[5:]] if word.startswith("Ref::") else word for word in command]
    size = submit["arrayProperties"]["size"]
    expect(f"auto/{size}" in command, f"the array has {size} parts, the command is {command}")
    expect(definition["jobDefinitionName"] == submit["jobDefinition"], "two names of the definition")
    return command


def kubernetes():
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes/rewrap.yaml").read_text()))
    account, schema, job = documents
    kinds = [document["kind"] for document in documents]
    expect(kinds == ["ServiceAccount", "ConfigMap", "Job"], f"the manifest has {kinds}")
    spec = job["spec"]
    pod = spec["template"]["spec"]
    rules = spec["podFailurePolicy"]["rules"]
    expect([rule["action"] for rule in rules] == ["Ignore", "FailJob", "FailIndex"], "other rules")
    codes = [rule.get("onExitCodes", {}).get("values") for rule in rules]
    expect(codes == [None, [2], [3]], f"the rules name the exit codes {codes}")
    # What Kubernetes's server refuses, and its schemas do not say:
    expect(pod["restartPolicy"] == "Never", "podFailurePolicy needs restartPolicy Never")
    expect(spec["completionMode"] == "Indexed", "backoffLimitPerIndex needs an Indexed Job")
    expect("backoffLimit" not in spec, "backoffLimit would count the tries of all parts together")

    expect(pod["serviceAccountName"] == account["metadata"]["name"], "another service account")
    [volume] = pod["volumes"]
    [container] = pod["containers"]
    [mount] = container["volumeMounts"]
    expect(volume["configMap"]["name"] == schema["metadata"]["name"], "another ConfigMap")
    [file] = schema["data"]
    expect(f"{mount['mountPath']}/{file}" in container["args"], f"{file} is mounted elsewhere")
    expect(json.loads(schema["data"][file])["envelope-schema"] == 1, "no schema file")
    parts = spec["completions"]
    expect(f"auto/{parts}" in container["args"], f"{parts} parts, and {container['args']}")
    return container["args"]


def flags_are_known(envelope, name, command):
    """Asks the command for help after all other arguments: it refuses a flag that it does not know."""
    asked = subprocess.run([envelope, *command, "--help"], capture_output=True, text=True)
    expect(asked.returncode == 0, f"{name}: envelope refuses {command}:\n{asked.stderr}")
    wrong = subprocess.run([envelope, *command, "--frum", "x", "--help"], capture_output=True)
    expect(wrong.returncode == 2, f"{name}: envelope overlooks an unknown flag")


commands = {"Batch": batch(), "Kubernetes": kubernetes()}
for name, command in commands.items():
    for envelope in sys.argv[1:]:
        flags_are_known(envelope, name, command)
if failures:
    sys.exit("\n".join(["deploy: the manifests do not hold:"] + failures))
print("deploy: Batch and Kubernetes agree with the exit codes and the flags of the command")
