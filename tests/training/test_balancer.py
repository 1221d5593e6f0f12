import pytest
import torch

from telucodec.training.balancer import BalancerConfig


def losses_of(output, target):
    """Scales six orders of magnitude apart."""
    return {"small": 1e-3 * (output - target).abs().mean(), "large": 1e3 * (output - target).square().mean()}


def test_shares_of_the_gradient_are_the_weights_whatever_the_scales():
    generator = torch.Generator().manual_seed(0)
    balancer = BalancerConfig(decay=0.9).build({"small": 3.0, "large": 1.0})
    for _ in range(50):  # norms here move little, as after a warm-up
        output = torch.randn(4, 1, 200, generator=generator).requires_grad_()
        target = torch.randn(4, 1, 200, generator=generator)
        losses = losses_of(output, target)
        parts = {name: torch.autograd.grad(loss, output, retain_graph=True)[0] for name, loss in losses.items()}
        total = balancer.gradient(losses, output)
    directions = torch.stack([part.flatten() / part.norm() for part in parts.values()], dim=1)  # [n, 2]
    shares = torch.linalg.lstsq(directions, total.flatten()[:, None]).solution.flatten()
    torch.testing.assert_close(shares, torch.tensor([0.75, 0.25]), rtol=0.1, atol=0)


def test_a_gradient_that_falls_below_its_mean_is_allowed_to():
    """Shares hold on average: a loss that is nearly met pulls less, so training can come to rest."""
    balancer = BalancerConfig(decay=0.9).build({"only": 1.0})
    for slope in [1.0] * 20 + [0.01]:
        output = torch.zeros(1, 1, 4, requires_grad=True)
        last = balancer.gradient({"only": slope * output.sum()}, output)
    assert last.norm() < 0.02


def test_a_loss_that_starts_later_leaves_its_share_to_the_others():
    output = torch.randn(2, 1, 50, generator=torch.Generator().manual_seed(0)).requires_grad_()
    balancer = BalancerConfig().build({"now": 1.0, "later": 3.0})
    alone = balancer.gradient({"now": output.square().mean()}, output)
    assert alone.norm().item() == pytest.approx(1)
    both = balancer.gradient({"now": output.square().mean(), "later": output.square().mean()}, output)
    assert both.norm().item() == pytest.approx(1)


def test_state_survives_a_stop_exactly(tmp_path):
    def steps(balancer, first, last):
        for step in range(first, last):
            generator = torch.Generator().manual_seed(step)
            output = torch.randn(2, 1, 50, generator=generator).requires_grad_()
            pull = balancer.gradient(losses_of(output, torch.zeros(2, 1, 50)), output)
        return pull

    weights = {"small": 1.0, "large": 2.0}
    whole = steps(BalancerConfig().build(weights), 0, 6)
    stopped = BalancerConfig().build(weights)
    steps(stopped, 0, 3)
    torch.save(stopped.state_dict(), tmp_path / "state.pt")
    resumed = BalancerConfig().build(weights)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert torch.equal(steps(resumed, 3, 6), whole)


def test_a_loss_without_gradient_pulls_at_nothing_and_one_that_broke_does_not_spoil_the_means():
    balancer = BalancerConfig().build({"flat": 1.0, "steep": 1.0})
    output = torch.ones(1, 1, 4, requires_grad=True)
    pull = balancer.gradient({"flat": 0 * output.sum(), "steep": output.sum()}, output)
    assert pull.norm().item() == pytest.approx(0.5)
    broken = balancer.gradient({"steep": output.sum() * float("nan")}, output)
    assert not torch.isfinite(broken).any()
    assert balancer.gradient({"steep": output.sum()}, output).norm().item() == pytest.approx(1)


def test_losses_and_weights_must_fit():
    output = torch.ones(1, 1, 4, requires_grad=True)
    with pytest.raises(ValueError, match="other"):
        BalancerConfig().build({"one": 1.0}).gradient({"other": output.sum()}, output)
    with pytest.raises(ValueError, match="positive"):
        BalancerConfig().build({"one": 0.0})
