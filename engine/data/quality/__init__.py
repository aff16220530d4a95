"""Rules that look for what is wrong with rows. Adding one: a class, a line here, and its name in `FindingName`."""

from __future__ import annotations

from engine.config.data import FindingName
from engine.data.quality.base import Rule
from engine.data.quality.broken import Misfit, Unreadable
from engine.data.quality.control import ControlCharacters
from engine.data.quality.credentials import Secret
from engine.data.quality.duplicates import ExactDuplicate, Leakage
from engine.data.quality.encoding import ByteOrderMark, CarriageReturn, Mojibake
from engine.data.quality.fields import EmptyText, MissingText
from engine.data.quality.languages import OtherLanguage
from engine.data.quality.lengths import LengthOutlier
from engine.data.quality.near import NearDuplicate
from engine.data.quality.personal import Email
from engine.data.quality.roles import RoleOrder

RULES: dict[FindingName, type[Rule]] = {
    "unreadable": Unreadable,
    "misfit": Misfit,
    "missing_text": MissingText,
    "empty_text": EmptyText,
    "exact_duplicate": ExactDuplicate,
    "near_duplicate": NearDuplicate,
    "leakage": Leakage,
    "role_order": RoleOrder,
    "other_language": OtherLanguage,
    "length_outlier": LengthOutlier,
    "byte_order_mark": ByteOrderMark,
    "carriage_return": CarriageReturn,
    "mojibake": Mojibake,
    "control_characters": ControlCharacters,
    "secret": Secret,
    "email": Email,
}
