//! Which class or function an object names, and with which arguments.

use crate::pickle::{Id, Object, Tree, Value};

/// What Python would have called.
pub(crate) struct Call<'t> {
    pub(crate) module: &'t str,
    pub(crate) name: &'t str,
    pub(crate) args: &'t [Id],
    pub(crate) object: &'t Object,
}

impl Call<'_> {
    pub(crate) fn is(&self, module: &str, name: &str) -> bool {
        self.module == module && self.name == name
    }

    /// Whether it is a function of NumPy's C part, whose module was renamed in version 2.
    pub(crate) fn is_numpy(&self, name: &str) -> bool {
        let modules =
            ["numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric"];
        self.name == name && modules.contains(&self.module)
    }
}

/// The call that made an object. Looks through the helpers that only make an instance of a class.
pub(crate) fn call<'t>(tree: &'t Tree<'_>, id: Id) -> Option<Call<'t>> {
    let Value::Object(object) = tree.get(id) else { return None };
    let args = tree.sequence(object.args).unwrap_or_default();
    let (module, name) = global(tree, object.class)?;
    let made = match (module, name) {
        ("copyreg" | "copy_reg", "_reconstructor" | "__newobj__" | "__newobj_ex__") => args.split_first(),
        ("torch._tensor" | "torch.tensor", "_rebuild_from_type_v2" | "_rebuild_from_type") => {
            let inner = args.get(2).and_then(|inner| tree.sequence(*inner)).unwrap_or_default();
            args.first().map(|function| (function, inner))
        }
        _ => None,
    };
    match made {
        Some((class, args)) => {
            let (module, name) = global(tree, *class)?;
            Some(Call { module, name, args, object })
        }
        None => Some(Call { module, name, args, object }),
    }
}

/// The module and name of a class. Legacy files keep classes of modules outside, together with their source.
pub(crate) fn global<'t>(tree: &'t Tree<'_>, id: Id) -> Option<(&'t str, &'t str)> {
    let id = match tree.get(id) {
        Value::Persistent(outside) => match tree.sequence(*outside)? {
            [tag, class, ..] if tree.text(*tag) == Some("module") => *class,
            _ => return None,
        },
        _ => id,
    };
    match tree.get(id) {
        Value::Global(global) => Some((&global.module, &global.name)),
        _ => None,
    }
}
