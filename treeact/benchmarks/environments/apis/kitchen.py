"""A kitchen: what is in stock and where, recipes, meal plans, and shopping."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from treeact.benchmarks.environments.apis.domain import Domain, named, require, world

Place = Literal["fridge", "freezer", "pantry", "cellar"]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Diet = Literal["vegan", "vegetarian", "fish", "meat"]
Store = Literal["corner shop", "market", "wholesaler"]


@dataclass(frozen=True)
class Stock:
    """What there is of an item; the unit is a gram, or a piece where it is counted."""

    item: str
    amount: int
    place: Place
    days_left: int
    """Days until it goes off."""


@dataclass(frozen=True)
class Recipe:
    """What one serving takes."""

    name: str
    diet: Diet
    minutes: int
    ingredients: dict[str, int]


@dataclass(frozen=True)
class Meal:
    """A recipe on a day of the plan."""

    day: Day
    recipe: str
    servings: int


@dataclass(frozen=True)
class Order:
    """What was ordered from a store, by item."""

    store: Store
    items: dict[str, int]
    price: int


@dataclass(frozen=True)
class Cookbook:
    """The recipes, and the price of 100 units of an item at each store, in cents."""

    recipes: tuple[Recipe, ...]
    prices: dict[Store, dict[str, int]]
    stock: tuple[Stock, ...]


@dataclass(frozen=True)
class KitchenState:
    """Stock, plan and shopping."""

    stock: tuple[Stock, ...]
    read: frozenset[str] = frozenset()
    """Recipes that were read; only those can be planned."""
    meals: tuple[Meal, ...] = ()
    shopping: tuple[tuple[str, int], ...] = ()
    orders: tuple[Order, ...] = ()
    discarded: tuple[str, ...] = ()


def cookbook() -> Cookbook:
    """Return recipes, prices and the first stock."""
    return world(Cookbook, "kitchen.json")


class Kitchen(Domain[KitchenState]):
    """The calls of the kitchen."""

    @classmethod
    def _start(cls) -> KitchenState:
        return KitchenState(stock=cookbook().stock)

    def look_into(self, place: Place) -> list[dict[str, Any]]:
        """Return what a place holds: item, amount, and days until it goes off."""
        return [vars(stock) for stock in self.state.stock if stock.place == place]

    def check_item(self, item: str) -> dict[str, Any]:
        """Return how much of an item there is, where, and for how many days."""
        return vars(self._stock(item))

    def move_item(self, item: str, place: Place) -> str:
        """Put an item into another place."""
        stock = self._stock(item)
        require(stock.place != place, f"{item} is in the {place} already")
        self._restock(replace(stock, place=place))
        return f"{item} is in the {place}"

    def discard(self, item: str) -> str:
        """Throw an item away."""
        stock = self._stock(item)
        rest = tuple(other for other in self.state.stock if other.item != stock.item)
        self._set(stock=rest, discarded=(*self.state.discarded, item))
        return f"{item} is gone"

    def list_recipes(self, diet: Diet, max_minutes: int = 240) -> list[str]:
        """Return the names of the recipes of a diet that take at most so long."""
        return [
            recipe.name
            for recipe in cookbook().recipes
            if recipe.diet == diet and recipe.minutes <= max_minutes
        ]

    def read_recipe(self, name: str) -> dict[str, Any]:
        """Return a recipe: minutes, and what one serving takes of each ingredient."""
        recipe = self._recipe(name)
        self._set(read=self.state.read | {name})
        return vars(recipe)

    def plan_meal(self, day: Day, recipe: str, servings: int) -> str:
        """Put a recipe that was read on the plan, one a day."""
        self._recipe(recipe)
        require(recipe in self.state.read, f"read the recipe of {recipe!r} first")
        require(1 <= servings <= 20, "servings must be from 1 to 20")
        require(all(meal.day != day for meal in self.state.meals), f"{day} has a meal already")
        self._set(meals=(*self.state.meals, Meal(day, recipe, servings)))
        return f"{recipe} is planned for {day}"

    def missing_items(self) -> dict[str, int]:
        """Return what the planned meals take beyond what is in stock, by item."""
        return self._missing()

    def add_to_list(self, item: str, amount: int) -> str:
        """Put an item on the shopping list."""
        named(sorted(cookbook().prices["market"]), item, of=str, what="item on sale")
        require(amount > 0, "amount must be above 0")
        require(item not in dict(self.state.shopping), f"{item} is on the list already")
        self._set(shopping=(*self.state.shopping, (item, amount)))
        return f"{amount} of {item} is on the list"

    def add_missing_to_list(self) -> str:
        """Put all that the planned meals still take on the shopping list."""
        missing = self._missing()
        require(missing, "nothing is missing for the planned meals")
        listed = dict(self.state.shopping) | missing
        self._set(shopping=tuple(listed.items()))
        return f"On the list: {listed}"

    def price_of_list(self, store: Store) -> int:
        """Return what the shopping list costs at a store, in cents."""
        return self._price(store)

    def order(self, store: Store) -> str:
        """Order the shopping list at a store; the list is empty then."""
        require(self.state.shopping, "the shopping list is empty")
        order = Order(store, dict(self.state.shopping), self._price(store))
        self._set(orders=(*self.state.orders, order), shopping=())
        return f"Ordered for {order.price} cents"

    def cook(self, day: Day) -> str:
        """Cook the meal of a day: its ingredients are taken from the stock."""
        meal = named(self.state.meals, day, of=lambda meal: meal.day, what="planned meal on")
        needs = {k: n * meal.servings for k, n in self._recipe(meal.recipe).ingredients.items()}
        amounts = {stock.item: stock.amount for stock in self.state.stock}
        short = [item for item, amount in needs.items() if amounts.get(item, 0) < amount]
        require(not short, f"there is too little of {', '.join(short)}")
        used = (replace(s, amount=s.amount - needs.get(s.item, 0)) for s in self.state.stock)
        self._set(
            stock=tuple(stock for stock in used if stock.amount),
            meals=tuple(other for other in self.state.meals if other != meal),
        )
        return f"{meal.servings} servings of {meal.recipe} are ready"

    def _stock(self, item: str) -> Stock:
        return named(self.state.stock, item, of=lambda stock: stock.item, what="stock of")

    def _recipe(self, name: str) -> Recipe:
        return named(cookbook().recipes, name, of=lambda recipe: recipe.name, what="recipe")

    def _restock(self, stock: Stock) -> None:
        changed = (stock if other.item == stock.item else other for other in self.state.stock)
        self._set(stock=tuple(changed))

    def _missing(self) -> dict[str, int]:
        needs: dict[str, int] = {}
        for meal in self.state.meals:
            for item, amount in self._recipe(meal.recipe).ingredients.items():
                needs[item] = needs.get(item, 0) + amount * meal.servings
        have = {stock.item: stock.amount for stock in self.state.stock}
        missing = {item: need - have.get(item, 0) for item, need in sorted(needs.items())}
        return {item: amount for item, amount in missing.items() if amount > 0}

    def _price(self, store: Store) -> int:
        prices = cookbook().prices[store]
        lacking = [item for item, _ in self.state.shopping if item not in prices]
        require(not lacking, f"the {store} does not sell {', '.join(lacking)}")
        return sum(-(-prices[item] * amount // 100) for item, amount in self.state.shopping)
