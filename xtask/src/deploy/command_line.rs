//! Commands for AWS, as data: what is printed is what runs.

use std::{
    collections::BTreeMap,
    fmt::{self, Display, Formatter},
};

use anyhow::{Context, Result};

/// The outputs of a stack, by name.
pub(crate) type Outputs = BTreeMap<String, String>;

/// A program that talks to AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The AWS Command Line Interface.
    Aws,
    /// The AWS SAM Command Line Interface.
    Sam,
}

/// A command. It is displayed as a shell reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CommandLine {
    pub(crate) program: Program,
    arguments: Vec<Argument>,
}

/// One argument of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Argument {
    /// One that is known before anything runs.
    Text(String),
    /// An output of the stack, between two pieces of text.
    Output {
        before: &'static str,
        name: &'static str,
        after: String,
    },
}

impl CommandLine {
    pub(crate) fn new<const N: usize>(program: Program, arguments: [&str; N]) -> Self {
        let empty = Self {
            program,
            arguments: Vec::new(),
        };
        empty.with(arguments)
    }

    /// The command with more arguments.
    pub(crate) fn with(mut self, arguments: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let arguments = arguments.into_iter();
        self.arguments
            .extend(arguments.map(|argument| Argument::Text(argument.into())));
        self
    }

    /// The command with one more argument, which contains an output of the stack.
    pub(crate) fn with_output(
        mut self,
        before: &'static str,
        name: &'static str,
        after: impl Into<String>,
    ) -> Self {
        self.arguments.push(Argument::Output {
            before,
            name,
            after: after.into(),
        });
        self
    }

    /// The command with the stack's outputs filled in. An output that the stack lacks is an error.
    pub(crate) fn resolve(&self, outputs: &Outputs) -> Result<Self> {
        let arguments = self.arguments.iter().map(|argument| argument.resolve(outputs));
        Ok(Self {
            program: self.program,
            arguments: arguments.collect::<Result<_>>()?,
        })
    }

    /// The arguments of the program; an output that is not known yet stands as `<Name>`.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = String> {
        self.arguments.iter().map(Argument::to_string)
    }
}

impl Argument {
    fn resolve(&self, outputs: &Outputs) -> Result<Self> {
        match self {
            Self::Text(_) => Ok(self.clone()),
            Self::Output { before, name, after } => {
                let value = outputs
                    .get(*name)
                    .with_context(|| format!("the stack has no output {name}"))?;
                Ok(Self::Text(format!("{before}{value}{after}")))
            }
        }
    }
}

impl Display for Argument {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Output { before, name, after } => write!(formatter, "{before}<{name}>{after}"),
        }
    }
}

impl Program {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Sam => "sam",
        }
    }
}

impl Display for CommandLine {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.program.name())?;
        for argument in self.arguments() {
            write!(formatter, " {}", quoted(&argument))?;
        }
        Ok(())
    }
}

/// An argument as a POSIX shell reads it back (POSIX.1-2024, Shell Command Language, "Single-Quotes").
fn quoted(argument: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte);
    if !argument.is_empty() && argument.bytes().all(plain) {
        argument.to_owned()
    } else {
        format!("'{}'", argument.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> CommandLine {
        CommandLine::new(Program::Aws, ["s3", "cp", "it's.html"]).with_output(
            "s3://",
            "Bucket",
            "/index.html",
        )
    }

    #[test]
    fn a_command_is_displayed_as_a_shell_reads_it() {
        assert_eq!(
            example().to_string(),
            r"aws s3 cp 'it'\''s.html' 's3://<Bucket>/index.html'"
        );
    }

    #[test]
    fn an_output_is_filled_in() {
        let outputs = Outputs::from([("Bucket".to_owned(), "page-1".to_owned())]);
        let command = example().resolve(&outputs).expect("the output is there");
        assert_eq!(
            command.arguments().last().as_deref(),
            Some("s3://page-1/index.html")
        );
    }

    #[test]
    fn a_missing_output_is_named() {
        let error = example()
            .resolve(&Outputs::new())
            .expect_err("there is no output");
        assert!(error.to_string().contains("Bucket"), "{error}");
    }
}
