//! Who comes later overtakes nobody.

use aiointernal::queue::{Cause, NoItem, Queue};

use super::{Bell, drained, full_of, ready, refusal, waiting, weighing};

#[test]
fn waiting_puts_enter_in_the_order_in_which_they_began_to_wait() {
    let queue = full_of([0]);
    let later = queue.put(3);
    let puts = [1, 2].map(|number| waiting(queue.put(number)));
    let later = waiting(later);
    let taken: Vec<_> = (0..4).map(|_| queue.try_get().unwrap()).collect();
    assert_eq!(taken, [0, 1, 2, 3]);
    puts.into_iter().chain([later]).for_each(|put| ready(put).unwrap());
}

#[test]
fn room_wakes_exactly_the_put_that_gets_it() {
    let queue = full_of([0]);
    let mut puts = [1, 2].map(|number| queue.put(number));
    let bells = [(); 2].map(|()| Bell::new());
    bells.iter().zip(&mut puts).for_each(|(bell, put)| bell.hang_on(put));
    queue.try_get().unwrap();
    assert_eq!(bells.map(|bell| bell.rings()), [1, 0]);
}

#[test]
fn a_put_that_will_not_wait_does_not_overtake_one_that_waits() {
    let queue = weighing(10);
    queue.try_put(5).unwrap();
    let _heavy = waiting(queue.put(6));
    assert_eq!(refusal(queue.try_put(1)), (Cause::Full, 1));
    assert_eq!(refusal(queue.try_put(0)), (Cause::Full, 0));
}

#[test]
fn a_light_put_waits_behind_a_heavy_one() {
    let queue = weighing(10);
    queue.try_put(5).unwrap();
    let heavy = waiting(queue.put(6));
    let light = waiting(queue.put(1));
    assert_eq!(queue.try_get(), Ok(5));
    ready(heavy).unwrap();
    ready(light).unwrap();
    assert_eq!(drained(&queue), [6, 1]);
}

#[test]
fn waiting_puts_enter_a_priority_queue_in_the_order_in_which_they_came_too() {
    let queue = Queue::priority(1);
    queue.try_put(0).unwrap();
    let _puts = [1, 9].map(|number| waiting(queue.put(number)));
    assert_eq!(drained(&queue), [0, 1, 9]);
}

#[test]
fn items_are_promised_to_gets_in_the_order_in_which_they_began_to_wait() {
    let queue = Queue::fifo(8);
    let mut gets = [(); 3].map(|()| queue.get());
    let bells = [(); 3].map(|()| Bell::new());
    bells.iter().zip(&mut gets).for_each(|(bell, get)| bell.hang_on(get));
    queue.try_put("a").unwrap();
    assert_eq!(bells.each_ref().map(|bell| bell.rings()), [1, 0, 0]);
    queue.try_put("b").unwrap();
    assert_eq!(bells.each_ref().map(|bell| bell.rings()), [1, 1, 0]);
    let [first, second, mut third] = gets;
    bells[2].hang_on(&mut third);
    assert_eq!((ready(first), ready(second)), (Ok("a"), Ok("b")));
}

#[test]
fn a_newcomer_does_not_take_what_is_promised() {
    let queue = Queue::fifo(8);
    let first = waiting(queue.get());
    queue.try_put("a").unwrap();
    assert_eq!(queue.try_get(), Err(NoItem::Empty));
    let newcomer = waiting(queue.get());
    queue.try_put("b").unwrap();
    assert_eq!(queue.try_get(), Err(NoItem::Empty));
    queue.try_put("c").unwrap();
    assert_eq!(queue.try_get(), Ok("a"));
    assert_eq!((ready(first), ready(newcomer)), (Ok("b"), Ok("c")));
}

#[test]
fn of_two_that_were_promised_an_item_the_one_that_comes_first_takes_the_next() {
    let queue = Queue::fifo(8);
    let [first, second] = [(); 2].map(|()| waiting(queue.get()));
    queue.try_put("a").unwrap();
    queue.try_put("b").unwrap();
    assert_eq!((ready(second), ready(first)), (Ok("a"), Ok("b")));
}

#[test]
fn a_get_whose_promised_item_was_cleared_keeps_its_place() {
    let queue = Queue::fifo(8);
    let mut gets = [(); 2].map(|()| queue.get());
    let bells = [(); 2].map(|()| Bell::new());
    bells.iter().zip(&mut gets).for_each(|(bell, get)| bell.hang_on(get));
    queue.try_put("a").unwrap();
    assert_eq!(queue.clear(), ["a"]);
    bells[0].hang_on(&mut gets[0]);
    queue.try_put("b").unwrap();
    assert_eq!(bells.map(|bell| bell.rings()), [2, 0]);
    let [first, _second] = gets;
    assert_eq!(ready(first), Ok("b"));
}

#[test]
fn a_get_whose_promised_item_was_cleared_takes_the_next_without_being_polled_in_between() {
    let queue = Queue::fifo(8);
    let get = waiting(queue.get());
    queue.try_put("a").unwrap();
    queue.clear();
    queue.try_put("b").unwrap();
    assert_eq!(queue.try_get(), Err(NoItem::Empty));
    assert_eq!(ready(get), Ok("b"));
}

#[test]
fn a_get_that_makes_room_lets_the_first_waiting_put_in_before_anybody_else() {
    let queue = full_of([1]);
    let put = waiting(queue.put(2));
    assert_eq!(queue.try_get(), Ok(1));
    assert_eq!(refusal(queue.try_put(3)), (Cause::Full, 3));
    drop(put);
    assert_eq!(drained(&queue), [2]);
}

#[test]
fn one_heavy_item_that_leaves_lets_several_light_ones_in() {
    let queue = weighing(4);
    queue.try_put(4).unwrap();
    let puts = [1, 2, 1, 1].map(|number| waiting(queue.put(number)));
    assert_eq!(queue.try_get(), Ok(4));
    assert_eq!(queue.stats().putting, 1);
    let [first, second, third, mut fourth] = puts;
    [first, second, third].into_iter().for_each(|put| ready(put).unwrap());
    Bell::new().hang_on(&mut fourth);
}
