//! What a parsed text is like.

use oxc_ast::ast::{
    BindingPattern, Decorator, Expression, FormalParameters, Program, Statement, TSNamespaceDeclaration, TSType,
    TSTypeName,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan as _, Span};

use super::TOO_DEEP;

/// Expressions, statements and types that may be within one another. What the parser makes in a loop, such as a long sum, is as
/// deep as it is long; and all that follows the parser calls itself for each.
const MAX_DEPTH: usize = 5000;

/// Parameters of a function, and namespaces of a text: with each, all before are looked through again.
const MAX_PARAMETERS: usize = 1000;
const MAX_NAMESPACES: usize = 10_000;

/// What is to be known of a parsed text.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) has_decorators: bool,
}

/// Why a tree is not worked on, from this byte on.
#[derive(Clone, Copy)]
pub(super) struct TooMuch {
    pub(super) at: usize,
    pub(super) what: &'static str,
}

/// Looks at all of it. Fails with where it is too much.
pub(super) fn look(program: &Program<'_>) -> Result<Tree, TooMuch> {
    let mut look = Look { left: MAX_DEPTH, namespaces: MAX_NAMESPACES, too_much: None, has_decorators: false };
    look.visit_program(program);
    match look.too_much {
        Some(too_much) => Err(too_much),
        None => Ok(Tree { has_decorators: look.has_decorators }),
    }
}

struct Look {
    left: usize,
    namespaces: usize,
    too_much: Option<TooMuch>,
    has_decorators: bool,
}

impl Look {
    fn within(&mut self, span: Span, walk: impl FnOnce(&mut Look)) {
        if self.too_much.is_some() {
            return;
        }
        if self.left == 0 {
            return self.refuse(span, TOO_DEEP);
        }
        self.left = self.left.saturating_sub(1);
        walk(self);
        self.left = self.left.saturating_add(1);
    }

    fn refuse(&mut self, span: Span, what: &'static str) {
        self.too_much = self.too_much.or(Some(TooMuch { at: span.start as usize, what }));
    }
}

impl<'a> Visit<'a> for Look {
    fn visit_expression(&mut self, it: &Expression<'a>) {
        self.within(it.span(), |look| walk::walk_expression(look, it));
    }

    fn visit_statement(&mut self, it: &Statement<'a>) {
        self.within(it.span(), |look| walk::walk_statement(look, it));
    }

    fn visit_binding_pattern(&mut self, it: &BindingPattern<'a>) {
        self.within(it.span(), |look| walk::walk_binding_pattern(look, it));
    }

    fn visit_ts_type(&mut self, it: &TSType<'a>) {
        self.within(it.span(), |look| walk::walk_ts_type(look, it));
    }

    fn visit_ts_type_name(&mut self, it: &TSTypeName<'a>) {
        self.within(it.span(), |look| walk::walk_ts_type_name(look, it));
    }

    fn visit_ts_namespace_declaration(&mut self, it: &TSNamespaceDeclaration<'a>) {
        if self.namespaces == 0 {
            return self.refuse(it.span, "the text has more than 10000 namespaces");
        }
        self.namespaces = self.namespaces.saturating_sub(1);
        self.within(it.span, |look| walk::walk_ts_namespace_declaration(look, it));
    }

    fn visit_formal_parameters(&mut self, it: &FormalParameters<'a>) {
        if it.items.len() > MAX_PARAMETERS {
            return self.refuse(it.span, "a function has more than 1000 parameters");
        }
        walk::walk_formal_parameters(self, it);
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.has_decorators = true;
        walk::walk_decorator(self, it);
    }
}
