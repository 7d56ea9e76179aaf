//! Gradients of the two penalties on gradients: R1 (Mescheder et al., arXiv:1801.04406), of a discriminator's answer with
//! respect to real pictures, and path length (Karras et al., arXiv:1912.04958, section 3.2), of pictures with respect to
//! styles.

use super::*;
use crate::second_order::in_a_prepared_process;

/// R1 of the sum of logits: the squared length of its gradient with respect to pictures in -1..1, one per picture.
fn r1(logits: &Tensor, pictures: &Var) -> Result<Tensor> {
    let gradient = logits.sum_all()?.backward()?.remove(pictures).expect("a gradient");
    // Ours are in 0..1.
    gradient.sqr()?.sum((1, 2, 3))? * 0.25
}

/// NVIDIA's lengths of paths, one per picture, of pictures in -1..1 and numbers of the normal distribution.
fn path_lengths(pictures: &Tensor, noise: &Tensor, styles: &Var) -> Result<Tensor> {
    let (_, h, w, _) = pictures.dims4()?;
    let sum = (pictures * noise)?.sum_all()? * (1.0 / ((h * w) as f64).sqrt());
    let gradient = sum?.backward()?.remove(styles).expect("a gradient");
    gradient.sqr()?.sum(2)?.mean(1)?.sqrt()
}

/// Squared logits, so that biases count.
#[test]
fn r1_by_differences() {
    in_a_prepared_process("trained::second::r1_by_differences", || {
        for name in VARIANTS {
            let training = Training::new(part("sg2/sg2_16_variants", &format!("D_{name}.")), DType::F64);
            let (pictures, c) = shown(name, DType::F64);
            let pictures = Var::from_tensor(&pictures.narrow(0, 0, 3).unwrap()).unwrap();
            let c = c.map(|c| c.narrow(0, 0, 3).unwrap());
            check_differences(name, &training, &[], || {
                r1(&training.discriminator().forward(&pictures, c.as_ref())?.sqr()?, &pictures)?.mean_all()
            });
        }
    });
}

#[test]
fn r1_of_nvidia() {
    in_a_prepared_process("trained::second::r1_of_nvidia", || {
        let reference = Reference::read("sg2/sg2_64_discriminator");
        let training = Training::new(part("sg2/sg2_64_discriminator", "D."), DType::F32);
        let pictures = picture(&reference, "real").affine(0.5, 0.5).unwrap();
        let pictures = Var::from_tensor(&pictures).unwrap();
        let penalty = r1(&training.discriminator().forward(&pictures, None).unwrap(), &pictures).unwrap();
        Tolerance::Close.check("penalty", &penalty, reference.tensor("r1_penalty"));
        let loss = (penalty.mean_all().unwrap() * 5.0).unwrap();
        Tolerance::Close.check("loss", &loss.unsqueeze(0).unwrap(), reference.tensor("loss_r1_gamma10"));
        let gradients = loss.backward().unwrap();
        check_lengths("R1", &training, &gradients, &reference.facts["grad_norm_R1"], 1e-4);
    });
}

/// Styles are a variable of their own here, so the mapping has no part in it.
#[test]
fn path_lengths_by_differences() {
    in_a_prepared_process("trained::second::path_lengths_by_differences", || {
        let reference = Reference::read("sg2/sg2_16_variants");
        for name in ["orig", "resnet"] {
            let mut tensors = part("sg2/sg2_16_variants", &format!("G_{name}."));
            let styles =
                StyleGan::new(tensors.clone(), CLAMP, crate::reference::options(DType::F64)).unwrap();
            let z = wide(&reference.tensor("z").narrow(0, 0, 2).unwrap());
            let styles = Var::from_tensor(&styles.mapping.forward(&z).unwrap()).unwrap();
            let training = Training::new(tensors.clone(), DType::F64);
            // Of these nothing depends on the styles any more.
            tensors.retain(|name, _| name.starts_with("mapping.") || name == "synthesis.b16.torgb.bias");
            let flat: Vec<&str> = tensors.keys().map(String::as_str).collect();
            check_differences(name, &training, &flat, || {
                let pictures = training.generator().synthesis.forward(&styles, &[])?;
                path_lengths(&pictures, &uniform(99, pictures.dims()), &styles)?.sqr()?.mean_all()
            });
        }
    });
}

/// The first two phases of NVIDIA's training: the generator's loss, a step of Adam, and the penalty on path lengths, whose
/// gradient reaches the mapping.
#[test]
fn path_lengths_of_nvidia() {
    in_a_prepared_process("trained::second::path_lengths_of_nvidia", || {
        let reference = Reference::read("sg2/sg2_16_train");
        let training = Training::new(part("sg2/sg2_16_train", "G."), DType::F32);
        let judge =
            Discriminator::new(tensors("sg2/sg2_16_train"), CLAMP, crate::reference::options(DType::F32))
                .unwrap();
        let norms = &reference.facts["grad_norms"];
        let z = reference.tensor("z");

        let StyleGan { mapping, synthesis } = training.generator();
        let pictures = synthesis.forward(&mapping.forward(&z.get(0).unwrap()).unwrap(), &[]).unwrap();
        let logits = judge.forward(&pictures.affine(0.5, 0.5).unwrap(), None).unwrap();
        let gradients = softplus(&logits.neg().unwrap()).unwrap().backward().unwrap();
        check_lengths("Gmain", &training, &gradients, &norms["0.Gmain"], 1e-4);

        // Without a first moment, and corrected: the first step of Adam is the gradient's sign.
        let rate = reference.facts["lr"].as_f64().unwrap() * 4.0 / 5.0;
        for (name, variable) in training.parameters() {
            let gradient = gradients.get(&variable).unwrap();
            let step = (gradient / (gradient.abs().unwrap() + 1e-8).unwrap()).unwrap().detach();
            let before = variable.as_tensor().copy().unwrap().detach();
            variable.set(&(&before - (step * rate).unwrap()).unwrap()).unwrap();
            if let Some(after) = reference.find(&format!("after.0.Gmain.{name}")) {
                let [found, expected] = [variable.as_tensor(), after].map(|after| (after - &before).unwrap());
                // Where a gradient is almost 0, rounding decides its sign.
                Tolerance::GradientKinks.check(&name, &found, &expected);
            }
        }

        let StyleGan { mapping, synthesis } = training.generator();
        // Candle drops the gradients of what is no variable: the network is cut at the styles, and joined by the chain rule.
        let z = z.get(1).unwrap().narrow(0, 0, 2).unwrap();
        let mapped = mapping.forward(&z).unwrap();
        let styles = Var::from_tensor(&mapped.detach()).unwrap();
        let pictures = synthesis.forward(&styles, &[]).unwrap();
        let lengths = path_lengths(&pictures, &picture(&reference, "pl_noise.0"), &styles).unwrap();
        // The mean over the past begins at 0, and gradients flow through what is new in it.
        let decay = reference.facts["pl_decay"].as_f64().unwrap();
        let mean = (lengths.mean_all().unwrap() * decay).unwrap();
        let penalty = lengths.broadcast_sub(&mean).unwrap().sqr().unwrap().mean_all().unwrap();
        let expected = reference.facts["reports"]["0.Greg"]["Loss/pl_penalty"][0].as_f64().unwrap();
        assert!((number(&penalty) - expected).abs() < 1e-4 * expected, "{penalty}, not {expected}");
        let loss = (penalty * (reference.facts["pl_weight"].as_f64().unwrap() * 4.0)).unwrap();
        let mut gradients = loss.backward().unwrap();
        let cotangent = gradients.get(&styles).expect("a gradient").detach();
        let through = (mapped * cotangent).unwrap().sum_all().unwrap().backward().unwrap();
        gradients.extend(through).unwrap();
        check_lengths("Greg", &training, &gradients, &norms["0.Greg"], 1e-3);
    });
}
