//! A TCP stream, and how long it ever stood still.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{End, Stop, join};

/// Bytes of one write.
const BLOCK: usize = 64 << 10;

/// A stream that is under way.
#[derive(Debug)]
pub struct Stream {
    stop: Stop,
    sender: JoinHandle<io::Result<u64>>,
    receiver: JoinHandle<io::Result<(u64, Duration)>>,
}

/// A stream that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Streamed {
    /// Bytes that arrived: all that were sent.
    pub bytes: u64,
    /// The longest time between two reads that brought something.
    pub longest_stall: Duration,
}

impl Stream {
    /// Sends from one end to the other as fast as it goes, until [`finish`](Self::finish).
    ///
    /// # Panics
    /// When no connection can be had.
    #[must_use]
    #[track_caller]
    pub fn start(from: &End<'_>, to: &End<'_>) -> Self {
        let connected = || -> io::Result<(TcpStream, TcpStream)> {
            let listen = || TcpListener::bind(SocketAddr::new(to.address, 0));
            let listener = to.pod.within(listen)?;
            let address = listener.local_addr()?;
            let source = from.pod.within(|| TcpStream::connect(address))?;
            Ok((source, listener.accept()?.0))
        };
        let (source, sink) = match connected() {
            Ok(pair) => pair,
            Err(error) => panic!("{} to {}: {error}", from.address, to.address),
        };
        let stop = Stop::default();
        let stop_sender = stop.clone();
        Self {
            stop,
            sender: thread::spawn(move || send(source, &stop_sender)),
            receiver: thread::spawn(move || receive(sink)),
        }
    }

    /// Stops sending, and waits until all has arrived.
    ///
    /// # Panics
    /// When the connection broke, or not all has arrived.
    #[must_use]
    #[track_caller]
    pub fn finish(self) -> Streamed {
        self.stop.set();
        let sent = join(self.sender);
        let (bytes, longest_stall) = join(self.receiver);
        assert_eq!(bytes, sent, "bytes of the stream");
        Streamed {
            bytes,
            longest_stall,
        }
    }
}

/// Each word of the stream is its own number, so that what arrives in another place shows.
fn send(mut socket: TcpStream, stop: &Stop) -> io::Result<u64> {
    let mut sent = 0;
    let mut block = vec![0; BLOCK];
    while !stop.is_set() {
        for word in block.chunks_mut(8) {
            word.copy_from_slice(&u64::to_ne_bytes(sent));
            sent += 8;
        }
        socket.write_all(&block)?;
    }
    Ok(sent)
}

fn receive(mut socket: TcpStream) -> io::Result<(u64, Duration)> {
    let mut block = vec![0; BLOCK];
    let (mut received, mut longest, mut last) = (0, Duration::ZERO, Instant::now());
    loop {
        // Whole blocks, so that words are whole as well.
        let mut filled = 0;
        while filled < BLOCK {
            let len = socket.read(&mut block[filled..])?;
            let now = Instant::now();
            if len == 0 {
                return Ok((received, longest));
            }
            longest = longest.max(now - last);
            last = now;
            filled += len;
        }
        for word in block.chunks(8) {
            if *word != u64::to_ne_bytes(received) {
                return Err(io::Error::other(format!("byte {received} is another one")));
            }
            received += 8;
        }
    }
}
