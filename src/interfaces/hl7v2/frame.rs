//! MLLP: a message stands between 0x0B and 0x1C 0x0D. What arrives may be split and
//! joined anywhere; what stands outside a frame is passed over.

/// Begins a frame.
const START: u8 = 0x0B;
/// Ends a frame, when a carriage return follows.
const END: u8 = 0x1C;
const RETURN: u8 = 0x0D;

/// Bytes that came where no frame was, before the connection is given up: it speaks
/// something else.
const OUTSIDE_BYTES_MAX: usize = 4_096;

/// Why a connection is given up: what follows cannot be told apart any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameFault {
    /// A message is longer than is taken.
    #[error("a message is longer than is taken")]
    TooLong,
    /// It is not MLLP.
    #[error("what comes is not framed by MLLP")]
    NotFramed,
}

/// Puts the bytes of one connection together to messages.
#[derive(Debug)]
pub(super) struct Frames {
    /// What has come and is not given out yet.
    bytes: Vec<u8>,
    /// Up to here is looked at: no end of a frame is before it.
    looked_at: usize,
    inside: bool,
    outside: usize,
    longest: usize,
    /// Frames that a new one began within: their ends never came.
    pub(super) broken_off: u64,
}

impl Frames {
    /// Takes messages of at most so many bytes.
    pub(super) const fn new(longest: usize) -> Self {
        Self {
            bytes: Vec::new(),
            looked_at: 0,
            inside: false,
            outside: 0,
            longest,
            broken_off: 0,
        }
    }

    /// Takes what has arrived.
    pub(super) fn take(&mut self, arrived: &[u8]) {
        self.bytes.extend_from_slice(arrived);
    }

    /// Whether a message has begun and not ended.
    pub(super) const fn is_inside(&self) -> bool {
        self.inside
    }

    /// The next whole message, without its frame.
    ///
    /// # Errors
    /// The connection cannot go on.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, FrameFault> {
        loop {
            if !self.inside && !self.begin()? {
                return Ok(None);
            }
            let special = |byte: &u8| matches!(*byte, START | END);
            let Some(found) = self.bytes[self.looked_at..].iter().position(special) else {
                self.looked_at = self.bytes.len();
                return self.within_bound().map(|()| None);
            };
            let at = self.looked_at + found;
            if self.bytes[at] == START {
                // ER7 has no such character: the sender has begun again.
                self.bytes.drain(..=at);
                self.looked_at = 0;
                self.broken_off += 1;
                continue;
            }
            match self.bytes.get(at + 1) {
                Some(&RETURN) => {
                    self.looked_at = at;
                    self.within_bound()?;
                    let mut message: Vec<u8> = self.bytes.drain(..at + 2).collect();
                    message.truncate(at);
                    self.looked_at = 0;
                    self.inside = false;
                    return Ok(Some(message));
                }
                Some(_) => self.looked_at = at + 1,
                None => {
                    self.looked_at = at;
                    return self.within_bound().map(|()| None);
                }
            }
        }
    }

    /// Passes over what stands before a frame; whether one has begun.
    fn begin(&mut self) -> Result<bool, FrameFault> {
        let start = self.bytes.iter().position(|byte| *byte == START);
        let before = start.unwrap_or(self.bytes.len());
        // Line ends between frames are usual.
        let odd = self.bytes[..before].iter();
        self.outside += odd.filter(|byte| !byte.is_ascii_whitespace()).count();
        if self.outside > OUTSIDE_BYTES_MAX {
            return Err(FrameFault::NotFramed);
        }
        self.bytes.drain(..(before + 1).min(self.bytes.len()));
        self.looked_at = 0;
        self.inside = start.is_some();
        Ok(self.inside)
    }

    const fn within_bound(&self) -> Result<(), FrameFault> {
        if self.looked_at > self.longest {
            return Err(FrameFault::TooLong);
        }
        Ok(())
    }
}

/// A message in its frame. An end of a frame within it would end it: there is none,
/// because control characters are never written.
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.len() + 3);
    bytes.push(START);
    bytes.extend_from_slice(message);
    bytes.extend_from_slice(&[END, RETURN]);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{FrameFault, Frames, framed};

    fn all(frames: &mut Frames) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| frames.next().expect("the stream is sound")).collect()
    }

    #[test]
    fn line_ends_and_a_little_noise_stand_between_frames() {
        let mut frames = Frames::new(100);
        frames.take(b"\r\nnoise");
        frames.take(&framed(b"one"));
        frames.take(b"\n");
        frames.take(&framed(b"two"));
        assert_eq!(all(&mut frames), [b"one".to_vec(), b"two".to_vec()]);
        assert!(!frames.is_inside());
    }

    #[test]
    fn a_frame_that_begins_within_another_stands_for_itself() {
        let mut frames = Frames::new(100);
        frames.take(b"\x0bhalf a mess\x0bwhole\x1c\r");
        assert_eq!(all(&mut frames), [b"whole".to_vec()]);
        assert_eq!(frames.broken_off, 1);
    }

    #[test]
    fn an_end_without_its_return_is_part_of_the_message() {
        let mut frames = Frames::new(100);
        frames.take(b"\x0bone\x1ctwo\x1c");
        assert_eq!(all(&mut frames), Vec::<Vec<u8>>::new());
        frames.take(b"\r");
        assert_eq!(all(&mut frames), [b"one\x1ctwo".to_vec()]);
    }

    #[test]
    fn what_is_too_long_or_not_framed_ends_the_connection() {
        let mut frames = Frames::new(4);
        frames.take(b"\x0b12345");
        assert_eq!(frames.next(), Err(FrameFault::TooLong));
        let mut frames = Frames::new(4);
        frames.take(b"\x0b12345\x1c\r");
        assert_eq!(frames.next(), Err(FrameFault::TooLong));
        let mut frames = Frames::new(4);
        frames.take(&[b'G'; 5_000]);
        assert_eq!(frames.next(), Err(FrameFault::NotFramed));
    }

    proptest! {
        #[test]
        fn frames_come_out_whole_however_they_are_split(
            messages in prop::collection::vec(prop::collection::vec(0x20_u8..0x7f, 0..40), 0..8),
            cuts in prop::collection::vec(1_usize..9, 1..80),
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|message| framed(message)).collect();
            let mut frames = Frames::new(100);
            let mut found = Vec::new();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                frames.take(now);
                found.extend(all(&mut frames));
                rest = later;
            }
            prop_assert_eq!(found, messages);
        }

        #[test]
        fn no_bytes_break_the_reader(chunks in prop::collection::vec(
            prop::collection::vec(prop_oneof![Just(0x0B_u8), Just(0x1C), Just(0x0D), any::<u8>()], 0..60),
            0..12,
        )) {
            let mut frames = Frames::new(64);
            for chunk in chunks {
                frames.take(&chunk);
                while let Ok(Some(message)) = frames.next() {
                    prop_assert!(message.len() <= 64);
                }
            }
        }
    }
}
