"""The attacks on sandboxes, grouped by what they are after."""

from tests.sandbox.attacks.attack import Attack
from tests.sandbox.attacks.escapes import ESCAPES
from tests.sandbox.attacks.files import FILES
from tests.sandbox.attacks.network import NETWORK
from tests.sandbox.attacks.output import OUTPUT
from tests.sandbox.attacks.privilege import PRIVILEGE
from tests.sandbox.attacks.resources import RESOURCES
from tests.sandbox.attacks.trust import TRUST
from tests.sandbox.attacks.values import VALUES

ATTACKS: list[Attack] = [
    *RESOURCES,
    *OUTPUT,
    *FILES,
    *NETWORK,
    *PRIVILEGE,
    *ESCAPES,
    *VALUES,
    *TRUST,
]
