"""The numbers of a search."""

from __future__ import annotations

from dataclasses import dataclass

from casecnn.checks import positive, whole, within


@dataclass(frozen=True)
class Options:
    """What a search is steered by.

    Raises `UsageError` for values that make no sense.
    """

    c_puct: float = 1.1  # exploration; AlphaGo's 5 is in other units
    c_growth: float = (
        0.45  # what is added to it for each factor e of visits beyond `c_base`, as AlphaGo Zero's heirs do
    )
    c_base: float = 500.0
    fpu_reduction: float = 0.2  # first play urgency below the position's value, times the root of the priors seen
    virtual_loss: float = 1.0  # what a visit in progress is taken to lose
    score_weight: float = 0.1  # what the lead counts beside the win rate: sure wins are won by more, lost games by less
    score_scale: float = 20.0  # points at which the lead counts for three quarters of that
    prior_temperature: float = 1.0  # priors are p ** (1 / temperature)
    symmetries: bool = False  # average the net over the board's eight symmetries: eight times the work
    transpositions: bool = True
    rollouts: float = 0.0  # AlphaGo's lambda: the share of random games in the value of a leaf
    rollout_games: int = 1  # random games for a leaf, with `rollouts`
    noise: float = 0.0  # the share of Dirichlet noise in the root's priors: for self-play only
    noise_total: float = 10.83  # Dirichlet's concentration, shared out among the moves: 0.03 on 361 points
    batch: int | None = None  # leaves that one thread computes at once; None: 4 on a CPU, 32 elsewhere
    threads: int | None = None  # None: one for each core, at most two
    max_nodes: int = 200_000  # of about 1 KB on 19x19: where they are used up, a search ends

    def __post_init__(self) -> None:
        for name in ("c_puct", "c_base", "score_scale", "prior_temperature", "noise_total"):
            positive(name, within(name, getattr(self, name), 0, 1e6, closed=True))
        for name in ("c_growth", "fpu_reduction", "virtual_loss", "score_weight"):
            within(name, getattr(self, name), 0, 100, closed=True)
        for name in ("rollouts", "noise"):
            within(name, getattr(self, name), 0, 1, closed=True)
        for name in ("batch", "threads"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1, 1024)
        whole("rollout_games", self.rollout_games, 1, 1000)
        whole("max_nodes", self.max_nodes, 100, 50_000_000)
