"""How a channel's orders are followed: settings of the channel. Pure.

`watch_deadlines` reads them too, which is why they stand apart from the channel's keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_HOUR, _DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a bill may be paid, and when the channel is asked what became of it.

    `ask_after_minutes` are the gaps between two questions, the first from the order's
    opening; the last one is repeated.
    """

    payable_for: timedelta = timedelta(days=15)
    ask_after_minutes: tuple[int, ...] = (5, 10, 20, 40, *(_HOUR,) * 23, _DAY)

    def ask_after(self, asked: int) -> timedelta:
        """The gap after so many questions."""
        last = len(self.ask_after_minutes) - 1
        return timedelta(minutes=self.ask_after_minutes[min(asked, last)])


WECHAT_PAY = Terms()
"""The channel's guide (pay.weixin.qq.com, "支付回调和查单实现指引") asks merchants to
query orders whose notice has not come, from minutes after the opening on. How long a
`time_expire` it takes is not verified: 15 days until the channel has said otherwise."""

TERMS: Mapping[str, Terms] = {"wechat_pay": WECHAT_PAY}
