// Classes: private fields, accessors, what is inherited, and what is static.
() => {
  class Account {
    static #made = 0;
    #balance = 0;
    constructor(owner) {
      this.owner = owner;
      Account.#made++;
    }
    static get made() {
      return Account.#made;
    }
    get balance() {
      return this.#balance;
    }
    set balance(value) {
      this.#balance = value < 0 ? 0 : value;
    }
    deposit(amount) {
      this.balance = this.#balance + amount;
      return this;
    }
  }
  class Savings extends Account {
    #rate;
    constructor(owner, rate) {
      super(owner);
      this.#rate = rate;
    }
    deposit(amount) {
      return super.deposit(amount + ((amount * this.#rate) >> 7));
    }
  }
  let checksum = 0;
  for (let i = 0; i < 15000; i++) {
    const account = i % 2 ? new Savings(i, 5) : new Account(i);
    account.deposit(i).deposit(100).deposit(-50);
    if (account instanceof Savings) checksum += account.owner % 3;
    checksum = (checksum + account.balance) % 16777213;
  }
  return checksum + Account.made;
}
