//! A view that is replaced and never updated.

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    prelude::{AddAnyAttr, Mountable, Render, RenderHtml},
    tachys::{
        hydration::Cursor,
        view::{Position, PositionState},
    },
};

/// A view that takes the place of the one before it, and is not made of that one by changing what differs. The code that
/// does this for a large view is as large as the one that makes it, and serves nobody where a view is shown once, or is
/// another one each time.
pub(crate) struct Anew<V>(pub(crate) V);

impl<V: Render> Render for Anew<V> {
    type State = V::State;

    fn build(self) -> Self::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut Self::State) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl<V: RenderHtml> AddAnyAttr for Anew<V> {
    type Output<NewAttribute: Attribute> = Anew<V::Output<NewAttribute>>;

    fn add_any_attr<NewAttribute: Attribute>(self, attribute: NewAttribute) -> Self::Output<NewAttribute>
    where
        Self::Output<NewAttribute>: RenderHtml,
    {
        Anew(self.0.add_any_attr(attribute))
    }
}

impl<V: RenderHtml> RenderHtml for Anew<V> {
    type AsyncOutput = V::AsyncOutput;
    type Owned = Anew<V::Owned>;

    const MIN_LENGTH: usize = V::MIN_LENGTH;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        self.0.resolve().await
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0
            .to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
    }

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn into_owned(self) -> Self::Owned {
        Anew(self.0.into_owned())
    }
}
