//! Tree to type. Stricter than the JSON library: an object is read from an
//! object only, never from a list of its members' values.

use std::borrow::Cow;

use serde::Deserializer;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;

use crate::interfaces::json::fault::Step;
use crate::interfaces::json::{Fault, Tree};

/// From here on a number with a fraction of zero is not exact.
const EXACT_WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl Tree<'_> {
    /// Reads it as a type.
    ///
    /// # Errors
    /// A member is unknown, missing or of a wrong type.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, Fault> {
        T::deserialize(self)
    }

    fn unexpected(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Number(number) if number.is_f64() => Unexpected::Float(0.0),
            Self::Number(_) => Unexpected::Unsigned(0),
            Self::Text(_) | Self::Parameter(_) => Unexpected::Str(""),
            Self::List(_) => Unexpected::Seq,
            Self::Object(_) => Unexpected::Map,
        }
    }

    fn visit_number<'de, V: Visitor<'de>>(
        number: &serde_json::Number,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if let Some(value) = number.as_u64() {
            return visitor.visit_u64(value);
        }
        if let Some(value) = number.as_i64() {
            return visitor.visit_i64(value);
        }
        visitor.visit_f64(number.as_f64().unwrap_or_default())
    }
}

/// JSON Schema counts `3.0` among the whole numbers.
fn whole(number: &serde_json::Number) -> Option<i64> {
    let value = number.as_f64().filter(|_| number.is_f64())?;
    let exact = value.fract() == 0.0 && value.abs() < EXACT_WHOLE_MAX;
    #[expect(clippy::cast_possible_truncation, reason = "checked: whole and small")]
    exact.then_some(value as i64)
}

macro_rules! whole_numbers {
    ($($method:ident)+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            match &self {
                Tree::Number(number) => match whole(number) {
                    Some(value) => Tree::visit_number(&value.into(), visitor),
                    None => self.deserialize_any(visitor),
                },
                Tree::Parameter(text) => match (text.parse::<u64>(), text.parse::<i64>()) {
                    (Ok(value), _) => visitor.visit_u64(value),
                    (_, Ok(value)) => visitor.visit_i64(value),
                    _ => Err(Fault::new("type", "should be a whole number")),
                },
                _ => self.deserialize_any(visitor),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Tree<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Number(number) => Self::visit_number(&number, visitor),
            Self::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Self::Text(Cow::Owned(text)) | Self::Parameter(text) => visitor.visit_string(text),
            Self::List(items) => visitor.visit_seq(Items {
                items: items.into_iter(),
                index: 0,
            }),
            Self::Object(members) => visitor.visit_map(Members {
                members: members.into_iter(),
                value: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self {
            Self::Null => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self {
            Self::Parameter(text) => match text.parse() {
                Ok(value) => visitor.visit_bool(value),
                Err(_) => Err(Fault::new("type", "should be true or false")),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    whole_numbers! {
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self {
            Self::Object(_) => self.deserialize_any(visitor),
            other => Err(Fault::invalid_type(other.unexpected(), &"an object")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self {
            Self::Text(text) => visitor.visit_enum(word(text)),
            Self::Parameter(text) => visitor.visit_enum(word(text)),
            other => Err(Fault::invalid_type(other.unexpected(), &"text")),
        }
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

fn word(text: &str) -> StrDeserializer<'_, Fault> {
    text.into_deserializer()
}

impl<'de> IntoDeserializer<'de, Fault> for Tree<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

struct Items<'de> {
    items: std::vec::IntoIter<Tree<'de>>,
    index: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        let read = seed.deserialize(item);
        read.map(Some)
            .map_err(|fault| fault.within(Step::Item(index)))
    }
}

struct Members<'de> {
    members: std::vec::IntoIter<(Cow<'de, str>, Tree<'de>)>,
    value: Option<(Cow<'de, str>, Tree<'de>)>,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some((name, value)) = self.members.next() else {
            return Ok(None);
        };
        let key = seed
            .deserialize(Tree::Text(name.clone()))
            .map_err(|fault| fault.within(Step::Member(name.clone().into_owned())))?;
        self.value = Some((name, value));
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (name, value) = self
            .value
            .take()
            .expect("invariant: serde asks for a value after its key");
        seed.deserialize(value)
            .map_err(|fault| fault.within(Step::Member(name.into_owned())))
    }
}
