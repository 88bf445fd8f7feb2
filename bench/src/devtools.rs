//! The Chrome DevTools Protocol over its WebSocket: commands, and what the browser tells by itself.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, Result, bail};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// What the browser told without having been asked.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) session: String,
    pub(crate) method: String,
    pub(crate) parameters: Value,
}

type Answers = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;
type Listener = Arc<Mutex<Option<mpsc::UnboundedSender<Told>>>>;

/// A connection to one browser. Whatever is under way ends when it is dropped.
pub(crate) struct Devtools {
    next: AtomicU64,
    answers: Answers,
    listener: Listener,
    send: mpsc::UnboundedSender<Message>,
    tasks: [AbortHandle; 2],
}

impl Devtools {
    /// Connects to the address that a browser has printed.
    ///
    /// # Errors
    /// Where nobody answers there.
    pub(crate) async fn connect(url: &str) -> Result<Self> {
        // A list of 10,000 paths, or a profile, is a large message.
        let configuration = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None);
        let (socket, _) = connect_async_with_config(url, Some(configuration), true)
            .await
            .context("the browser's DevTools cannot be reached")?;
        let (mut sink, mut stream) = socket.split();
        let (send, mut outgoing) = mpsc::unbounded_channel();
        let (answers, listener) = (Answers::default(), Listener::default());
        let writing = tokio::spawn(async move {
            while let Some(message) = outgoing.recv().await {
                if sink.send(message).await.is_err() {
                    return;
                }
            }
        });
        let (to_answer, to_tell) = (Arc::clone(&answers), Arc::clone(&listener));
        let reading = tokio::spawn(async move {
            while let Some(Ok(message)) = stream.next().await {
                if let Message::Text(text) = message {
                    receive(&text, &to_answer, &to_tell);
                }
            }
            // Whoever waits for an answer learns that none will come.
            lock(&to_answer).clear();
        });
        Ok(Self {
            next: AtomicU64::new(1),
            answers,
            listener,
            send,
            tasks: [writing.abort_handle(), reading.abort_handle()],
        })
    }

    /// Carries out a command, in the session of a target or, where that is empty, for the whole browser.
    ///
    /// # Errors
    /// Where the browser refuses it or is gone.
    pub(crate) async fn call(&self, session: &str, method: &str, parameters: Value) -> Result<Value> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut command = json!({ "id": id, "method": method, "params": parameters });
        if !session.is_empty() {
            command["sessionId"] = json!(session);
        }
        let (sender, answer) = oneshot::channel();
        lock(&self.answers).insert(id, sender);
        self.send
            .send(Message::text(command.to_string()))
            .context("the browser is gone")?;
        let mut answer = answer
            .await
            .with_context(|| format!("the browser ended during {method}"))?;
        if let Some(error) = answer.get("error") {
            bail!("the browser refuses {method}: {error}");
        }
        Ok(answer["result"].take())
    }

    /// Everything that the browser tells from now on, to this listener alone.
    pub(crate) fn listen(&self) -> mpsc::UnboundedReceiver<Told> {
        let (sender, receiver) = mpsc::unbounded_channel();
        *lock(&self.listener) = Some(sender);
        receiver
    }
}

impl Drop for Devtools {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

fn receive(text: &str, answers: &Answers, listener: &Listener) {
    let Ok(mut message) = serde_json::from_str::<Value>(text) else {
        return;
    };
    if let Some(id) = message["id"].as_u64() {
        if let Some(sender) = lock(answers).remove(&id) {
            // Whoever asked may have given up.
            sender.send(message).ok();
        }
        return;
    }
    if let Some(sender) = &*lock(listener) {
        let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
        let (session, method) = (text("sessionId"), text("method"));
        let parameters = message["params"].take();
        sender
            .send(Told {
                session,
                method,
                parameters,
            })
            .ok();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
