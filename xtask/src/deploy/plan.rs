//! What a deployment does, as data: the same steps are printed, tested, and carried out.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    command_line::{CommandLine, Program},
    page_files::{Page, PageFile},
};

/// The template, in the checkout.
const TEMPLATE: &str = "infra/template.yaml";

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Write a file into the checkout.
    Write { path: String, content: String },
    /// Run a command.
    Run(CommandLine),
    /// Run a command that prints the stack's outputs, which later steps use.
    ReadOutputs(CommandLine),
    /// Write the page's settings for this stack.
    WriteConfig {
        path: String,
        /// The settings that the page was built with.
        base: Map<String, Value>,
    },
}

/// A stack of CloudFormation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stack {
    pub(crate) name: String,
    /// Its AWS region.
    pub(crate) region: String,
}

impl Stack {
    /// Where a file is written that is for this stack alone, in the checkout.
    fn file(&self, name: &str) -> String {
        format!("dist/{}/{name}", self.name)
    }

    fn parameters(&self) -> String {
        self.file("parameters.yaml")
    }
}

/// The steps that deploy a built page and packed functions.
///
/// `index.html` is uploaded last, so that nobody gets a page whose files are missing. Files of earlier deployments stay,
/// for the pages that are still open.
pub(crate) fn deployment(stack: &Stack, parameters: &Map<String, Value>, page: &Page) -> Vec<Step> {
    let config = stack.file("config.json");
    let mut steps = vec![
        write_parameters(stack, parameters),
        Step::Run(sam_deploy(stack)),
        Step::ReadOutputs(describe_stack(stack)),
        Step::WriteConfig {
            path: config.clone(),
            base: page.config.clone(),
        },
    ];
    let is_of_stack = |file: &PageFile| file.is_config() || file.is_index();
    let (of_stack, as_built): (Vec<_>, Vec<_>) = page.files.iter().partition(|file| is_of_stack(file));
    steps.extend(upload_as_built(stack, page, &as_built).map(Step::Run));
    for file in of_stack {
        let from = if file.is_config() {
            config.clone()
        } else {
            page.folder.join(&file.path).display().to_string()
        };
        steps.push(Step::Run(upload(stack, from, file)));
    }
    steps.push(Step::Run(invalidate(page)));
    steps
}

/// The steps to a change set that is not executed: they show whether CloudFormation accepts the template with these
/// parameters.
pub(crate) fn change_set(stack: &Stack, parameters: &Map<String, Value>) -> Vec<Step> {
    vec![
        write_parameters(stack, parameters),
        Step::Run(sam_deploy(stack).with(["--no-execute-changeset"])),
    ]
}

/// The steps that delete a stack. CloudFormation deletes only empty buckets, so the page's files are deleted first. The
/// template keeps the files that were uploaded.
pub(crate) fn removal(stack: &Stack) -> Vec<Step> {
    let empty = CommandLine::new(Program::Aws, ["s3", "rm", "--recursive", "--only-show-errors"])
        .with_output("s3://", "PageBucketName", "")
        .with(["--region", &stack.region]);
    vec![
        Step::ReadOutputs(describe_stack(stack)),
        Step::Run(empty),
        Step::Run(delete_stack(stack)),
    ]
}

/// Deletes a stack whose buckets are empty.
pub(crate) fn delete_stack(stack: &Stack) -> CommandLine {
    CommandLine::new(Program::Sam, ["delete", "--no-prompts"]).with([
        "--stack-name",
        &stack.name,
        "--region",
        &stack.region,
    ])
}

/// SAM reads parameters from YAML, and JSON is YAML (YAML 1.2.2, section 1.2).
fn write_parameters(stack: &Stack, parameters: &Map<String, Value>) -> Step {
    Step::Write {
        path: stack.parameters(),
        content: format!("{:#}\n", Value::Object(parameters.clone())),
    }
}

fn sam_deploy(stack: &Stack) -> CommandLine {
    CommandLine::new(Program::Sam, ["deploy", "--template-file", TEMPLATE])
        .with(["--stack-name", &stack.name, "--region", &stack.region])
        .with(["--resolve-s3", "--capabilities", "CAPABILITY_IAM"])
        .with([
            "--no-confirm-changeset",
            "--no-fail-on-empty-changeset",
            "--no-progressbar",
        ])
        .with(["--parameter-overrides", &format!("file://{}", stack.parameters())])
}

/// Prints the parameters that a stack has, on which depends what is packed for it.
pub(crate) fn describe_parameters(stack: &Stack) -> CommandLine {
    CommandLine::new(Program::Aws, ["cloudformation", "describe-stacks"])
        .with(["--stack-name", &stack.name, "--region", &stack.region])
        .with(["--query", "Stacks[0].Parameters", "--output", "json"])
}

fn describe_stack(stack: &Stack) -> CommandLine {
    CommandLine::new(Program::Aws, ["cloudformation", "describe-stacks"])
        .with(["--stack-name", &stack.name, "--region", &stack.region])
        .with(["--query", "Stacks[0].Outputs", "--output", "json"])
}

/// Uploads files of the page, with one command for all that are served with the same headers.
fn upload_as_built(
    stack: &Stack,
    page: &Page,
    files: &[&PageFile],
) -> impl Iterator<Item = CommandLine> + use<> {
    let mut alike: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for file in files {
        let headers = (file.content_type, file.cache_control());
        let included = ["--include", &file.path].map(str::to_owned);
        alike.entry(headers).or_default().extend(included);
    }
    let copy = CommandLine::new(Program::Aws, ["s3", "cp", "--recursive", "--only-show-errors"])
        .with([page.folder.display().to_string()])
        .with_output("s3://", "PageBucketName", "/")
        .with(["--region", &stack.region]);
    alike
        .into_iter()
        .map(move |((content_type, cache_control), included)| {
            copy.clone()
                .with(["--content-type", content_type])
                .with(["--cache-control", cache_control])
                .with(["--exclude", "*"])
                .with(included)
        })
}

fn upload(stack: &Stack, from: String, file: &PageFile) -> CommandLine {
    CommandLine::new(Program::Aws, ["s3", "cp", "--only-show-errors"])
        .with([from])
        .with_output("s3://", "PageBucketName", format!("/{}", file.path))
        .with(["--region", &stack.region])
        .with(["--content-type", file.content_type])
        .with(["--cache-control", file.cache_control()])
}

/// Only files without a content hash in their names can have changed.
fn invalidate(page: &Page) -> CommandLine {
    let changed = page.files.iter().filter(|file| !file.is_immutable());
    CommandLine::new(Program::Aws, ["cloudfront", "create-invalidation"])
        .with(["--distribution-id"])
        .with_output("", "DistributionId", "")
        .with(["--paths", "/"])
        .with(changed.map(|file| format!("/{}", file.path)))
}

impl Step {
    /// The step as it is printed before it is carried out.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Write { path, content } => format!("writes {path}:\n{}", indented(content)),
            Self::Run(command) | Self::ReadOutputs(command) => format!("$ {command}"),
            Self::WriteConfig { path, .. } => {
                format!("writes {path}, with the API's address and the sign-in of the stack, if it has one")
            }
        }
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(object) => object,
            other => panic!("{other} is no object"),
        }
    }

    fn stack() -> Stack {
        Stack {
            name: "uploads".to_owned(),
            region: "eu-central-1".to_owned(),
        }
    }

    fn page(paths: &[&str]) -> Page {
        let files = paths.iter().map(|path| PageFile::of(path).expect("a known type"));
        Page {
            folder: PathBuf::from("page"),
            files: files.collect(),
            config: object(json!({"apiUrl": "/api"})),
        }
    }

    fn shown(steps: &[Step]) -> Vec<String> {
        steps.iter().map(Step::describe).collect()
    }

    #[test]
    fn a_deployment_is_these_steps_in_this_order() {
        let parameters = object(json!({"KeyPrefix": "inbox"}));
        let page = page(&[
            "config.json",
            "icon.svg",
            "index.html",
            "app-0123456789abcdef_bg.wasm",
            "worker-0123456789abcdef_bg.wasm",
        ]);
        let steps = deployment(&stack(), &parameters, &page);
        assert_eq!(
            shown(&steps),
            [
                "writes dist/uploads/parameters.yaml:\n    {\n      \"KeyPrefix\": \"inbox\"\n    }",
                "$ sam deploy --template-file infra/template.yaml --stack-name uploads --region eu-central-1 \
                 --resolve-s3 --capabilities CAPABILITY_IAM --no-confirm-changeset \
                 --no-fail-on-empty-changeset --no-progressbar --parameter-overrides \
                 file://dist/uploads/parameters.yaml",
                "$ aws cloudformation describe-stacks --stack-name uploads --region eu-central-1 \
                 --query 'Stacks[0].Outputs' --output json",
                "writes dist/uploads/config.json, with the API's address and the sign-in of the stack, if it has one",
                "$ aws s3 cp --recursive --only-show-errors page 's3://<PageBucketName>/' --region eu-central-1 \
                 --content-type application/wasm --cache-control 'public, max-age=31536000, immutable' \
                 --exclude '*' --include app-0123456789abcdef_bg.wasm \
                 --include worker-0123456789abcdef_bg.wasm",
                "$ aws s3 cp --recursive --only-show-errors page 's3://<PageBucketName>/' --region eu-central-1 \
                 --content-type image/svg+xml --cache-control no-cache --exclude '*' --include icon.svg",
                "$ aws s3 cp --only-show-errors dist/uploads/config.json 's3://<PageBucketName>/config.json' \
                 --region eu-central-1 --content-type application/json --cache-control no-cache",
                "$ aws s3 cp --only-show-errors page/index.html 's3://<PageBucketName>/index.html' \
                 --region eu-central-1 --content-type 'text/html; charset=utf-8' --cache-control no-cache",
                "$ aws cloudfront create-invalidation --distribution-id '<DistributionId>' \
                 --paths / /config.json /icon.svg /index.html",
            ]
        );
    }

    #[test]
    fn a_removal_empties_only_the_pages_bucket() {
        assert_eq!(
            shown(&removal(&stack())),
            [
                "$ aws cloudformation describe-stacks --stack-name uploads --region eu-central-1 \
                 --query 'Stacks[0].Outputs' --output json",
                "$ aws s3 rm --recursive --only-show-errors 's3://<PageBucketName>' --region eu-central-1",
                "$ sam delete --no-prompts --stack-name uploads --region eu-central-1",
            ]
        );
    }
}
