"""Prints a template (JSON, from a file) as SAM's own translator transforms it."""

import json
import sys

from samtranslator.parser.parser import Parser
from samtranslator.sdk.parameter import SamParameterValues
from samtranslator.translator.translator import Translator

with open(sys.argv[1], encoding="utf-8") as file:
    template = json.load(file)
# Packages are uploaded before a template is transformed.
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        resource["Properties"]["CodeUri"] = "s3://bucket/package.zip"
values = {name: parameter.get("Default", "x") for name, parameter in template["Parameters"].items()}
translator = Translator({}, Parser())
print(json.dumps(translator.translate(template, SamParameterValues(values).parameter_values)))
