//! Source maps that sources bring with them: stacks in the words of the original.
//!
//! Texts with a map are kept as they are, and nothing of a map is decoded before an exception's stack names its source:
//! so a map that is never needed costs a copy, and one that is hostile costs a walk over its text.

mod data_url;
mod frame;
mod lines;
mod mappings;
mod original;

use std::collections::VecDeque;

use self::frame::Frame;

/// Texts that are kept.
const MAX_TEXTS: usize = 64;

/// Bytes of all texts that are kept.
const MAX_BYTES: usize = 4 << 20;

/// Bytes of a stack.
const MAX_STACK: usize = 16 << 10;

/// The texts with a source map that one context was given: the last ones, and of each name the last.
#[derive(Debug, Default)]
pub(super) struct SourceMaps {
    texts: VecDeque<Text>,
    bytes: usize,
}

#[derive(Debug)]
struct Text {
    name: String,
    text: String,
}

impl Text {
    fn bytes(&self) -> usize {
        self.name.len() + self.text.len()
    }

    /// Whether frames call it so. A module that was loaded again has a number behind its name.
    fn is_called(&self, name: &str) -> bool {
        let rest = name.strip_prefix(self.name.as_str());
        rest.is_some_and(|rest| {
            let again = rest.strip_prefix('#').filter(|number| !number.is_empty());
            rest.is_empty() || again.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()))
        })
    }
}

impl SourceMaps {
    /// Keeps the text of a source that is about to be evaluated, where it has a map, and forgets an earlier one of this name.
    pub(super) fn note(&mut self, name: &str, text: &str) {
        if let Some(known) = self.texts.iter().position(|known| known.name == name) {
            self.bytes -= self.texts.remove(known).map_or(0, |known| known.bytes());
        }
        if data_url::of(text).is_none() {
            return;
        }
        let text = Text { name: name.to_owned(), text: text.to_owned() };
        self.bytes += text.bytes();
        self.texts.push_back(text);
        while self.texts.len() > MAX_TEXTS || self.bytes > MAX_BYTES {
            self.bytes -= self.texts.pop_front().map_or(0, |oldest| oldest.bytes());
        }
    }

    /// Says in each stack where its frames are in the originals.
    pub(super) fn apply<'s>(&self, stacks: impl Iterator<Item = &'s mut String>) {
        if self.texts.is_empty() {
            return;
        }
        let mut stacks: Vec<&mut String> = stacks.collect();
        let mut told: Vec<Vec<String>> =
            stacks.iter().map(|stack| stack.lines().map(str::to_owned).collect()).collect();
        for text in &self.texts {
            let mut places = Vec::new();
            let mut frames: Vec<Frame<'_>> = Vec::new();
            for (index, stack) in stacks.iter().enumerate() {
                for (number, line) in stack.lines().enumerate() {
                    if let Some(frame) = Frame::parse(line, |file| text.is_called(file)) {
                        places.push((index, number));
                        frames.push(frame);
                    }
                }
            }
            if frames.is_empty() {
                continue;
            }
            // A map that is malformed is as none.
            let originals = original::find(&text.text, &frames).unwrap_or_default();
            for ((index, number), (frame, original)) in places.into_iter().zip(frames.iter().zip(originals)) {
                if let Some(original) = original {
                    told[index][number] = original.told(frame);
                }
            }
        }
        for (stack, lines) in stacks.iter_mut().zip(told) {
            let mut text = lines.join("\n");
            text.truncate(text.floor_char_boundary(MAX_STACK));
            **stack = text;
        }
    }
}

#[cfg(test)]
mod tests;
