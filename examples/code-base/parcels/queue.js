// Parcels wait here until a van is free.
export class Queue {
  constructor(limit) {
    this.limit = limit;
    this.waiting = [];
  }

  // The heaviest parcel goes first; of equal ones the one that came first.
  next() {
    this.waiting.sort((one, other) => other.grams - one.grams);
    return this.waiting.shift();
  }
}
