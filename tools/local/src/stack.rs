//! The whole stack: S3 and the API, started and stopped together.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;

use crate::{
    account::{BUCKET, LINK_SECRET, REGION, ROLE_ACCESS_KEY_ID, ROLE_SECRET_ACCESS_KEY, ROLE_SESSION_TOKEN},
    bucket_cors::CorsConfiguration,
    controls::Controls,
    gateway::{Authorizer, AuthorizerOptions, Cors, Functions, Gateway, Guard},
    lambda::{Lambda, LocalEnvironment, variable},
    notifications::Notifications,
    s3::{Access, Bucket, S3Frontend},
    server::Server,
    storage::Store,
    verdict_store::VerdictStore,
};

/// The Lambda's key prefix if its variables name none.
const DEFAULT_KEY_PREFIX: &str = "uploads";

/// How a [`Stack`] is set up.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// The folder that objects and the stack's state are kept in; created if it is missing.
    pub data: PathBuf,
    /// S3's port on 127.0.0.1; 0 lets the system choose one.
    pub s3_port: u16,
    /// The port of S3's second endpoint on 127.0.0.1; 0 lets the system choose one.
    pub second_s3_port: u16,
    /// The API's port on 127.0.0.1; 0 lets the system choose one.
    pub api_port: u16,
    /// The origins whose pages may use the bucket and the API. Each may have one `*`, as in
    /// `http://127.0.0.1:*`; the Lambda, which knows no such patterns, then allows every origin.
    pub allowed_origins: Vec<String>,
    /// Environment variables of the Lambda, besides or instead of those that the stack sets.
    pub lambda_variables: Vec<(String, String)>,
    /// The API's JWT authorizer; without one, anybody may call it.
    pub authorizer: Option<AuthorizerOptions>,
}

impl StackOptions {
    /// A stack on free ports with its files in this folder: no origin is allowed, the Lambda has only the
    /// variables that the stack sets, and anybody may call the API.
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            s3_port: 0,
            second_s3_port: 0,
            api_port: 0,
            allowed_origins: Vec::new(),
            lambda_variables: Vec::new(),
            authorizer: None,
        }
    }
}

/// A running stack. Dropping it stops it without waiting; [`Stack::stop`] waits.
pub struct Stack {
    options: StackOptions,
    store: Arc<Store>,
    controls: Arc<Controls>,
    functions: Functions,
    guard: Option<Guard>,
    frontend: S3Frontend,
    s3: Option<Server>,
    /// The same S3 by another port, as the bucket's second endpoint.
    second_s3: Option<Server>,
    api: Option<Server>,
    api_port: u16,
}

impl Stack {
    /// Starts S3 and the API with the Lambda's handler in this process, so that [`Controls`] can make
    /// its clock and its credentials wrong.
    ///
    /// # Errors
    /// If a port is taken, the folder cannot be written or another stack uses it, or the Lambda
    /// does not accept its variables.
    pub async fn start(options: StackOptions) -> anyhow::Result<Self> {
        Self::start_with(options, None).await
    }

    /// Starts S3 and the API with the Lambda's program in a process of its own, as Lambda runs it.
    /// [`Controls`] can do nothing to its clock and its secret.
    ///
    /// # Errors
    /// As for [`Stack::start`], and if the program cannot be run.
    pub async fn start_with_program(options: StackOptions, program: PathBuf) -> anyhow::Result<Self> {
        Self::start_with(options, Some(program)).await
    }

    async fn start_with(mut options: StackOptions, program: Option<PathBuf>) -> anyhow::Result<Self> {
        let controls = Arc::new(Controls::new());
        let store = open_store(&options.data).await?;
        let access = Access {
            role_key_prefix: role_key_prefix(&options.lambda_variables),
            controls: Arc::clone(&controls),
        };
        let cors = CorsConfiguration::for_page(options.allowed_origins.clone());
        let verdicts = verdicts(&options, &store, &controls)?;
        let notifications = Notifications(Arc::clone(&verdicts));
        let bucket = Bucket::new(Arc::clone(&store), notifications, Arc::clone(&controls));
        let frontend = S3Frontend::new(bucket, access, cors);
        let s3 = start_s3(&frontend, options.s3_port).await?;
        let second_s3 = start_s3(&frontend, options.second_s3_port).await?;
        options.s3_port = s3.port();
        options.second_s3_port = second_s3.port();
        let variables = lambda_variables(&options);
        let lambda = match program {
            Some(program) => Lambda::start_program(program, variables).await?,
            None => Lambda::start(&variables, Arc::clone(&controls))?,
        };
        let functions = Functions {
            lambda,
            verdicts: Some(verdicts),
        };
        let guard = options.authorizer.clone().map(|authorizer| Guard {
            authorizer: Arc::new(Authorizer::new(authorizer, Arc::clone(&controls))),
            cors: Arc::new(Cors::new(options.allowed_origins.clone())),
        });
        let api = start_api(&functions, &guard, options.api_port).await?;
        Ok(Self {
            options,
            store,
            controls,
            functions,
            guard,
            frontend,
            s3: Some(s3),
            second_s3: Some(second_s3),
            api_port: api.port(),
            api: Some(api),
        })
    }

    /// `http://127.0.0.1:PORT` of S3, without the bucket, also while it is stopped.
    pub fn s3_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.options.s3_port)
    }

    /// `http://127.0.0.1:PORT` of S3's second endpoint, also once it was stopped.
    pub fn second_s3_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.options.second_s3_port)
    }

    /// `http://127.0.0.1:PORT` of the API, also while it is stopped.
    pub fn api_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api_port)
    }

    /// The path of an object's file, or for a key that nothing has, the path that it would get.
    ///
    /// # Panics
    /// If the folder cannot be read.
    pub fn object_path(&self, key: &str) -> PathBuf {
        self.store.object_path(key).expect("the data folder can be read")
    }

    /// The keys of every completed object, sorted.
    ///
    /// # Panics
    /// If the folder cannot be read.
    pub fn object_keys(&self) -> Vec<String> {
        let objects = self.store.objects().expect("the data folder can be read");
        objects.into_iter().map(|object| object.key).collect()
    }

    /// Faults and observations, for tests.
    pub fn controls(&self) -> &Controls {
        &self.controls
    }

    /// The id of the process that the Lambda's program runs in, if it does not run in this one.
    pub async fn lambda_process_id(&self) -> Option<u32> {
        self.functions.lambda.process_id().await
    }

    /// Kills S3: every connection breaks off in the middle of what it does, and both ports refuse new ones.
    pub async fn kill_s3(&mut self) {
        for server in [self.s3.take(), self.second_s3.take()].into_iter().flatten() {
            server.kill().await;
        }
    }

    /// Starts S3 again, on the same ports. Does nothing at a port where it runs.
    ///
    /// # Errors
    /// If a port is taken meanwhile.
    pub async fn start_s3(&mut self) -> anyhow::Result<()> {
        if self.s3.is_none() {
            self.s3 = Some(start_s3(&self.frontend, self.options.s3_port).await?);
        }
        if self.second_s3.is_none() {
            self.second_s3 = Some(start_s3(&self.frontend, self.options.second_s3_port).await?);
        }
        Ok(())
    }

    /// Stops S3's second endpoint alone, like a network that lets only the first one through: its port refuses
    /// connections.
    pub async fn stop_second_s3(&mut self) {
        if let Some(second_s3) = self.second_s3.take() {
            second_s3.stop().await;
        }
    }

    /// Stops the API alone: its port refuses connections. Does nothing if it is stopped.
    pub async fn stop_api(&mut self) {
        if let Some(api) = self.api.take() {
            api.stop().await;
        }
    }

    /// Starts the API again, on the same port. Does nothing if it runs.
    ///
    /// # Errors
    /// If the port is taken meanwhile.
    pub async fn start_api(&mut self) -> anyhow::Result<()> {
        if self.api.is_none() {
            self.api = Some(start_api(&self.functions, &self.guard, self.api_port).await?);
        }
        Ok(())
    }

    /// Starts the API's Lambda anew in this process with these variables instead of those that the stack
    /// was started with, as a deployment with other settings does.
    ///
    /// # Errors
    /// If the Lambda does not accept them.
    pub async fn set_lambda_variables(&mut self, variables: Vec<(String, String)>) -> anyhow::Result<()> {
        self.options.lambda_variables = variables;
        let variables = lambda_variables(&self.options);
        self.functions.lambda = Lambda::start(&variables, Arc::clone(&self.controls))?;
        self.stop_api().await;
        self.start_api().await
    }

    /// Stops everything: requests in flight may take two seconds to end.
    pub async fn stop(mut self) {
        self.stop_api().await;
        self.stop_second_s3().await;
        if let Some(s3) = self.s3.take() {
            s3.stop().await;
        }
    }
}

async fn open_store(data: &Path) -> anyhow::Result<Arc<Store>> {
    let folder = data.to_owned();
    let opened = tokio::task::spawn_blocking(move || Store::open(&folder, BUCKET)).await?;
    let store = opened.with_context(|| format!("the data folder {} cannot be used", data.display()))?;
    Ok(Arc::new(store))
}

/// The function that looks at stored objects. It has the variables of the one that signs.
fn verdicts(
    options: &StackOptions,
    store: &Arc<Store>,
    controls: &Arc<Controls>,
) -> anyhow::Result<Arc<verdict::Function>> {
    // It reaches the bucket by its folder, so S3's ports do not matter.
    let variables = lambda_variables(options);
    let settings = verdict::Settings::from_variables(|name| variable(&variables, name))?;
    let environment = LocalEnvironment::new(&variables, Arc::clone(controls));
    let store = VerdictStore(Arc::clone(store));
    let function = verdict::Function::new(settings, Arc::new(store), Arc::new(environment));
    Ok(Arc::new(function))
}

async fn start_s3(frontend: &S3Frontend, port: u16) -> anyhow::Result<Server> {
    let started = Server::start("S3", port, frontend.clone()).await;
    started.with_context(|| format!("S3 cannot listen on port {port}"))
}

async fn start_api(functions: &Functions, guard: &Option<Guard>, port: u16) -> anyhow::Result<Server> {
    let gateway = Gateway {
        functions: functions.clone(),
        guard: guard.clone(),
        public_host: None,
    };
    let started = Server::start("API", port, gateway).await;
    started.with_context(|| format!("the API cannot listen on port {port}"))
}

fn lambda_variables(options: &StackOptions) -> Vec<(String, String)> {
    let origins = if options.allowed_origins.iter().any(|origin| origin.contains('*')) {
        "*".to_owned()
    } else {
        options.allowed_origins.join(",")
    };
    let own = [
        ("AWS_ACCESS_KEY_ID", ROLE_ACCESS_KEY_ID.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", ROLE_SECRET_ACCESS_KEY.to_owned()),
        ("AWS_SESSION_TOKEN", ROLE_SESSION_TOKEN.to_owned()),
        ("BUCKET_NAME", BUCKET.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        (
            "AWS_ENDPOINT_URL_S3",
            format!("http://127.0.0.1:{}", options.s3_port),
        ),
        (
            "SECOND_ENDPOINT_URL_S3",
            format!("http://127.0.0.1:{}", options.second_s3_port),
        ),
        ("ALLOWED_ORIGINS", origins),
        ("LINK_SECRET", LINK_SECRET.to_owned()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    own.into_iter()
        .chain(options.lambda_variables.iter().cloned())
        .collect()
}

/// What the keys start with that the Lambda's role may use, as in the policy of a deployed one.
fn role_key_prefix(variables: &[(String, String)]) -> String {
    let named = variable(variables, "KEY_PREFIX");
    let prefix = named.as_deref().unwrap_or(DEFAULT_KEY_PREFIX).trim_matches('/');
    if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    }
}
