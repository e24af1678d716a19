//! KMS over HTTP on a real socket: the copies that the connection leaves.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use zeroize::Zeroize;

use super::kms::{answer, next_key, number_in};

/// Starts a KMS that responds with keys of a seed and wipes its own copies. Returns its address. It
/// ends with the process.
pub(crate) fn listen() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            std::thread::spawn(|| serve(connection.unwrap()));
        }
    });
    format!("http://{address}")
}

fn serve(mut connection: TcpStream) {
    let mut requests = BufReader::new(connection.try_clone().unwrap());
    while let Some(request) = read(&mut requests) {
        let number = number_in(&request, next_key);
        let mut body = answer(number);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: \
             {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&body).unwrap();
        body.zeroize();
    }
}

/// The body of the next request.
fn read(requests: &mut impl BufRead) -> Option<Vec<u8>> {
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        if requests.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    requests.read_exact(&mut body).unwrap();
    Some(body)
}
