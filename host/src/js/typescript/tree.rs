//! What a parsed text is like.

use oxc_ast::ast::{
    BindingPattern, Decorator, Expression, Program, Statement, TSNamespaceDeclaration, TSType, TSTypeName,
};
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan as _, Span};

/// Expressions, statements and types that may be within one another. What the parser makes in a loop, such as a long sum, is as
/// deep as it is long; and all that follows the parser calls itself for each.
const MAX_DEPTH: usize = 5000;

/// What is to be known of a parsed text.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) has_decorators: bool,
}

/// Looks at all of it. Fails with where it is too deep.
pub(super) fn look(program: &Program<'_>) -> Result<Tree, usize> {
    let mut look = Look { left: MAX_DEPTH, too_deep: None, has_decorators: false };
    look.visit_program(program);
    match look.too_deep {
        Some(at) => Err(at),
        None => Ok(Tree { has_decorators: look.has_decorators }),
    }
}

struct Look {
    left: usize,
    too_deep: Option<usize>,
    has_decorators: bool,
}

impl Look {
    fn within(&mut self, span: Span, walk: impl FnOnce(&mut Look)) {
        if self.too_deep.is_some() {
            return;
        }
        if self.left == 0 {
            self.too_deep = Some(span.start as usize);
            return;
        }
        self.left = self.left.saturating_sub(1);
        walk(self);
        self.left = self.left.saturating_add(1);
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
        self.within(it.span, |look| walk::walk_ts_namespace_declaration(look, it));
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.has_decorators = true;
        walk::walk_decorator(self, it);
    }
}
