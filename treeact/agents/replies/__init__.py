"""What a model's reply says: thought, code or answer, or a named defect."""

from treeact.agents.replies.parsing import Reply as Reply
from treeact.agents.replies.parsing import parse_reply as parse_reply
