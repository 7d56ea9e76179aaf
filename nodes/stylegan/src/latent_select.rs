use dreamwire_sdk::prelude::*;

use crate::{latent, list};

/// Picks latents out of a batch, in the order of the list.
///
/// The items of `[B,..]` are numbered from 0; `0-3,7` picks five of them, and an item may be picked more than once.
///
/// Errors: a list that cannot be parsed; an item that does not exist; more than 4096 latents.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// Items and ranges of items, both ends included.
    #[schemars(extend("x-dw-list" = true))]
    pub(crate) items: String,
}

impl Default for Params {
    fn default() -> Self {
        Self { items: "0".to_owned() }
    }
}

#[derive(Default)]
pub(crate) struct LatentSelect;

impl Node for LatentSelect {
    const KIND: Kind = Kind::new("LatentSelect", 1)
        .title("Select latents")
        .category("stylegan")
        .inputs(&[port("latents", "LATENT_W|LATENT_Z").doc("The batch, `[B,layers,w]` or `[B,z]`.")])
        .outputs(&[port("LATENT", "LATENT_W|LATENT_Z").doc("The chosen latents, of the batch's type.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let latents = latent::latent(&inputs, "latents")?;
        let count = latents.dim(0)?;
        let items = list::items(&params.items).map_err(wrong)?;
        latent::check_count(items.len() as u64).map_err(|error| error.at("items"))?;
        if let Some(beyond) = items.iter().find(|item| **item as usize >= count) {
            let last = count.saturating_sub(1);
            return Err(wrong(format!(
                "`{beyond}` is beyond the last latent: there are {count}, 0 to {last}"
            )));
        }
        let items = Tensor::new(items, latents.device())?;
        Ok(latents.index_select(&items, 0)?.into())
    }

    /// Rejects lists that cannot be parsed. How many latents there are is known at run time.
    fn check(params: &Params) -> Result<()> {
        list::items(&params.items).map(drop).map_err(wrong)
    }
}

fn wrong(message: String) -> Error {
    Error::param("items", message)
}

#[cfg(test)]
mod tests {
    use dreamwire_sdk::testing::Value;

    use super::*;
    use crate::small;

    /// `[8, 1]`: the numbers 0 to 7.
    fn numbered() -> [(&'static str, Value); 1] {
        [("latents", Value::Tensor(Tensor::arange(0f32, 8.0, &Device::Cpu).unwrap().unsqueeze(1).unwrap()))]
    }

    #[test]
    fn items_come_in_the_order_of_the_list() {
        let check = |items: &str, expected: &[f32]| {
            let found = small::output::<LatentSelect>(&format!(r#"{{"items": "{items}"}}"#), &numbered());
            assert_eq!(found.dims(), [expected.len(), 1]);
            assert_eq!(found.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
        };
        check("0-3,7", &[0.0, 1.0, 2.0, 3.0, 7.0]);
        check("7, 2, 2", &[7.0, 2.0, 2.0]);
        assert_eq!(small::output::<LatentSelect>("{}", &numbered()).dims(), [1, 1]);
        let w = small::normal(1, &[3, 6, 4]);
        let found =
            small::output::<LatentSelect>(r#"{"items": "1"}"#, &[("latents", Value::Tensor(w.clone()))]);
        assert_eq!(small::bits(&found), small::bits(&w.narrow(0, 1, 1).unwrap()));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let check = |items: &str, expected: &str| {
            let params = format!(r#"{{"items": "{items}"}}"#);
            small::check_error::<LatentSelect>(&params, &numbered(), "items", expected);
        };
        check("6-8", "`8` is beyond the last latent: there are 8, 0 to 7");
        check("-1", "`-1` is neither a number nor a range such as 3-9");
        check("0-4294967295", "the list has more than 65536 numbers");
        assert!(LatentSelect::check(&Params { items: "9".to_owned() }).is_ok());
        assert_eq!(LatentSelect::check(&Params { items: "3-".to_owned() }).unwrap_err().input(), "items");
    }
}
