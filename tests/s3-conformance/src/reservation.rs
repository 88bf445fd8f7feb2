//! Ports that are known before their servers run.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use tokio::net::TcpSocket;

/// A port of 127.0.0.1 that the system chose and gives to nobody else as long as this lives. A server
/// that sets `SO_REUSEADDR`, as Swift's and WebKit's driver do, can listen on it meanwhile (socket(7)): a
/// socket that is only bound gets no connections.
pub struct Reservation {
    socket: TcpSocket,
}

impl Reservation {
    /// Reserves a port.
    pub fn new() -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        Ok(Self { socket })
    }

    /// Reserves `count` ports, all different.
    pub fn several(count: usize) -> Result<Vec<Self>> {
        (0..count).map(|_| Self::new()).collect()
    }

    pub fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }
}
