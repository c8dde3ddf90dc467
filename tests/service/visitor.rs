//! Somebody at a browser without scripts: keeps a cookie, sends the forms of the
//! pages, follows where it is sent.

use std::io::Write as _;
use std::process::Stdio;

use reqwest::Method;

use crate::world::World;

/// What a page sent.
pub(crate) struct Seen {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub path: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{} answered {}", self.path, self.text);
        self
    }

    #[track_caller]
    pub(crate) fn shows(self, text: &str) -> Self {
        assert!(
            self.text.contains(text),
            "{} lacks {text:?}: {}",
            self.path,
            self.text
        );
        self
    }

    #[track_caller]
    pub(crate) fn hides(self, text: &str) -> Self {
        assert!(
            !self.text.contains(text),
            "{} shows {text:?}: {}",
            self.path,
            self.text
        );
        self
    }

    /// The values of an attribute, wherever it stands.
    pub(crate) fn values(&self, before: &str) -> Vec<String> {
        let rest = self.text.split(before).skip(1);
        rest.filter_map(|rest| rest.split('"').next())
            .map(unescaped)
            .collect()
    }

    /// The first value of a hidden field of this name.
    #[track_caller]
    pub(crate) fn field(&self, name: &str) -> String {
        let values = self.values(&format!("name=\"{name}\" value=\""));
        let first = values.into_iter().next();
        first.unwrap_or_else(|| panic!("{} has no field {name}: {}", self.path, self.text))
    }

    /// Tasks that the page links to, in order.
    pub(crate) fn tasks(&self) -> Vec<String> {
        let links = self.values("class=\"desk-task\" href=\"");
        links
            .iter()
            .filter_map(|link| link.strip_prefix("/review/tasks/"))
            .map(|rest| rest.split('?').next().unwrap_or_default().to_owned())
            .collect()
    }
}

fn unescaped(text: &str) -> String {
    let mut text = text.to_owned();
    for (entity, letter) in [
        ("&#38;", "&"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, letter);
    }
    text
}

/// A browser of one person.
pub(crate) struct Visitor<'w> {
    world: &'w World,
    pub cookie: Option<String>,
    /// The cookie of a sign-in elsewhere that was begun.
    way: Option<String>,
    /// Goes with every form; of the page that was seen last.
    pub token: String,
}

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Makes an account by the command line.
#[track_caller]
pub(crate) fn make_account(world: &World, name: &str, roles: &[&str]) {
    let mut arguments = vec!["account", "add", name];
    for role in roles {
        arguments.extend(["--role", role]);
    }
    with_input(world, &arguments, PASSWORD);
}

/// Runs a command with a line on its standard input; it must be done.
#[track_caller]
pub(crate) fn with_input(world: &World, arguments: &[&str], input: &str) {
    let mut command = world.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().expect("accord can be started");
    let mut into = child.stdin.take().expect("a pipe");
    writeln!(into, "{input}").expect("the line can be written");
    drop(into);
    let ended = child.wait().expect("the command ends");
    assert!(ended.success(), "{arguments:?}");
}

impl<'w> Visitor<'w> {
    /// A browser without a cookie.
    pub(crate) fn nobody(world: &'w World) -> Self {
        Self {
            world,
            cookie: None,
            way: None,
            token: String::new(),
        }
    }

    /// Somebody of these roles, with a new account, who has signed in.
    #[track_caller]
    pub(crate) fn signed_in(world: &'w World, name: &str, roles: &[&str]) -> Self {
        make_account(world, name, roles);
        let mut visitor = Self::nobody(world);
        visitor.signs_in(name, PASSWORD).expect(303);
        visitor.opens("/account");
        visitor
    }

    pub(crate) fn signs_in(&mut self, name: &str, password: &str) -> Seen {
        self.sends("/", &[("name", name), ("password", password)], &[])
    }

    /// A page; it must be there.
    #[track_caller]
    pub(crate) fn opens(&mut self, path: &str) -> Seen {
        self.asks(path).expect(200)
    }

    /// A page, or whatever is answered.
    pub(crate) fn asks(&mut self, path: &str) -> Seen {
        self.exchange(Method::GET, path, &[], None)
    }

    /// A form of the page that was seen last.
    pub(crate) fn posts(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let token = self.token.clone();
        let mut all = vec![("token", token.as_str())];
        all.extend(fields);
        self.sends(path, &all, &[])
    }

    /// A form as it is, with further headers.
    pub(crate) fn sends(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Seen {
        self.exchange(Method::POST, path, headers, Some(url_encoded(fields)))
    }

    /// Sends a form and opens the page that it leads to.
    #[track_caller]
    pub(crate) fn posts_and_follows(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let sent = self.posts(path, fields).expect(303);
        let place = sent.header("location").to_owned();
        self.opens(&place)
    }

    /// Opens a question and answers it as it was seen.
    #[track_caller]
    pub(crate) fn answers(&mut self, task: &str, outcome: &str) -> Seen {
        let page = self.opens(&format!("/review/tasks/{task}"));
        let (evidence, version) = (page.field("evidence"), page.field("version"));
        let fields = [
            ("outcome", outcome),
            ("reason", "as I see it"),
            ("evidence", &evidence),
            ("version", &version),
        ];
        self.posts(&format!("/review/tasks/{task}/decide"), &fields)
    }

    fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Seen {
        let mut all: Vec<(String, String)> = Vec::new();
        if body.is_some() {
            let form = "application/x-www-form-urlencoded";
            all.push(("content-type".to_owned(), form.to_owned()));
        }
        for (name, value) in headers {
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let cookies: Vec<String> = self.cookie.iter().chain(&self.way).cloned().collect();
        if !cookies.is_empty() {
            all.push(("cookie".to_owned(), cookies.join("; ")));
        }
        let body = body.map(String::into_bytes);
        let (status, headers, text) = self
            .world
            .browse(method, path, &all, body)
            .unwrap_or_else(|fault| panic!("{path} was not answered: {fault}"));
        let seen = Seen {
            status,
            headers: headers.into_iter().collect(),
            text,
            path: path.to_owned(),
        };
        for given in seen.header("set-cookie").lines() {
            let Some((cookie, rest)) = given.split_once(';') else {
                continue;
            };
            let kept = Some(cookie.to_owned()).filter(|_| !rest.contains("Max-Age=0"));
            if cookie.contains("accord-way=") {
                self.way = kept;
            } else {
                self.cookie = kept;
            }
        }
        if let Some(token) = seen.values("name=\"token\" value=\"").pop() {
            self.token = token;
        }
        seen
    }
}

fn url_encoded(fields: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(fields);
    text.finish()
}
