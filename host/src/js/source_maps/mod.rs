//! Source maps of sources: stacks in the words of the original.
//!
//! Texts with a map are kept as they are, and nothing of a map is decoded before an exception's stack names its source:
//! so a map that is never needed costs a copy, and one that is hostile costs a walk over its text.

mod data_url;
mod frame;
mod lines;
mod mappings;
mod original;

use std::{borrow::Cow, collections::VecDeque, iter};

use self::frame::Line;
#[cfg(feature = "typescript")]
pub(super) use self::lines::of as lines;
pub(super) use self::original::Map;
use super::exception::MAX_EXCEPTIONS;

/// Texts that are kept.
const MAX_TEXTS: usize = 64;

/// Bytes of all texts that are kept.
const MAX_BYTES: usize = 4 << 20;

/// Bytes of a stack.
const MAX_STACK: usize = 16 << 10;

/// Bytes of the stack of what led to an exception.
const MAX_RELATED_STACK: usize = 4 << 10;

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
    /// Its map; `None`: the text ends with it.
    map: Option<Map>,
}

impl Text {
    fn bytes(&self) -> usize {
        let map = self.map.as_ref().map_or(0, Map::bytes);
        self.name.len().saturating_add(self.text.len()).saturating_add(map)
    }
}

impl SourceMaps {
    /// Keeps the text of a source that is about to be evaluated, where it has a map, beside it or in its end, and forgets an earlier one
    /// of this name.
    pub(super) fn note(&mut self, name: &str, text: &str, map: Option<Map>) {
        if let Some(known) = self.texts.iter().position(|known| known.name == name) {
            let bytes = self.texts.remove(known).map_or(0, |known| known.bytes());
            self.bytes = self.bytes.saturating_sub(bytes);
        }
        if map.is_none() && data_url::of(text).is_none() {
            return;
        }
        let text = Text { name: name.to_owned(), text: text.to_owned(), map };
        self.bytes = self.bytes.saturating_add(text.bytes());
        self.texts.push_back(text);
        while self.texts.len() > MAX_TEXTS || self.bytes > MAX_BYTES {
            let bytes = self.texts.pop_front().map_or(0, |oldest| oldest.bytes());
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// Says in each stack where its frames are in the originals. The first is that of what was thrown, the others are of what
    /// led to it. Of those beyond so many, which no exception will have, and behind so many bytes of each, nothing is looked at.
    pub(super) fn apply<'s>(&self, stacks: impl Iterator<Item = &'s mut String>) {
        if self.texts.is_empty() {
            return;
        }
        let bounds = iter::once(MAX_STACK).chain(iter::repeat(MAX_RELATED_STACK));
        let mut stacks: Vec<_> = stacks.take(MAX_EXCEPTIONS).zip(bounds).collect();
        for (stack, most) in &mut stacks {
            clip(stack, *most);
        }
        let mut told: Vec<Vec<Cow<'_, str>>> =
            stacks.iter().map(|(stack, _)| stack.lines().map(Cow::Borrowed).collect()).collect();
        let mut lines = Vec::new();
        for (index, (stack, _)) in stacks.iter().enumerate() {
            let parsed =
                stack.lines().enumerate().filter_map(|(number, line)| Some((index, number, Line::parse(line)?)));
            lines.extend(parsed);
        }
        for text in &self.texts {
            let (mut places, mut frames) = (Vec::new(), Vec::new());
            for (index, number, line) in &lines {
                if let Some(frame) = line.within(&text.name) {
                    places.push((*index, *number));
                    frames.push(frame);
                }
            }
            if frames.is_empty() {
                continue;
            }
            let in_text = if text.map.is_none() { Map::of(&text.text) } else { None };
            // A map that is malformed is as none.
            let Some(map) = text.map.as_ref().or(in_text.as_ref()) else {
                continue;
            };
            let originals = map.find(&text.text, &frames).unwrap_or_default();
            let mut room: Vec<usize> = stacks.iter().map(|(_, most)| *most).collect();
            for ((index, number), (frame, original)) in places.into_iter().zip(frames.iter().zip(originals)) {
                // What comes behind as many bytes of this text alone will be cut.
                if let Some(room) = room.get_mut(index).filter(|room| **room > 0)
                    && let Some(told) = told.get_mut(index).and_then(|lines| lines.get_mut(number))
                    && let Some(line) = original.and_then(|original| original.told(frame))
                {
                    *room = room.saturating_sub(line.len());
                    *told = Cow::Owned(line);
                }
            }
        }
        let told: Vec<String> = told.into_iter().map(|lines| lines.join("\n")).collect();
        for ((stack, most), mut text) in stacks.into_iter().zip(told) {
            clip(&mut text, most);
            *stack = text;
        }
    }
}

fn clip(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

#[cfg(test)]
mod tests;
