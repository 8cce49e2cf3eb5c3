"""Items in memory, safe to use from many threads of one process."""

from dataclasses import dataclass
from threading import Condition


@dataclass(frozen=True, slots=True)
class Item:
    id: int
    name: str
    quantity: int


class ItemStore:
    """Every change raises the revision and wakes whoever waits for one."""

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._last_id = 0
        self._revision = 0
        self._changed = Condition()

    def add(self, name: str, quantity: int) -> Item:
        with self._changed:
            self._last_id += 1
            item = Item(self._last_id, name, quantity)
            self._items[item.id] = item
            self._announce_change()
            return item

    def get(self, item_id: int) -> Item | None:
        with self._changed:
            return self._items.get(item_id)

    def remove(self, item_id: int) -> bool:
        with self._changed:
            if item_id not in self._items:
                return False
            del self._items[item_id]
            self._announce_change()
            return True

    def snapshot(self) -> tuple[list[Item], int]:
        """All items, oldest first, and the revision that they belong to."""
        with self._changed:
            return list(self._items.values()), self._revision

    def wait_for_change(self, since: int | None, seconds: float) -> tuple[int, bool]:
        """The revision and whether it differs from `since`, waiting for that if need be."""
        with self._changed:
            known = self._revision if since is None else since
            changed = self._changed.wait_for(lambda: self._revision != known, timeout=seconds)
            return self._revision, changed

    def _announce_change(self) -> None:
        self._revision += 1
        self._changed.notify_all()
