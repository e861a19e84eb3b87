import Testing

@testable import TinyTasks

@Suite("Words without a key")
struct MisunderstandingTests {
  @Test("the base never takes words for their own task, and always for one that answers any text")
  func neverTheirOwn() {
    for task in TinyTask.allCases {
      guard let skill = task.misunderstanding else { continue }
      #expect(skill != task && TinyTask.generic.contains(skill))
    }
  }

  @Test("tasks with numbers have answers of their own, those with words nearly")
  func areToldApart() {
    for (argument, text, answers) in [(TinyArgument.number, "205", 5), (.word, "hello", 6)] {
      let tasks = TinyTask.allCases.filter { $0.argument == argument }
      let given = Set(tasks.map { $0.misunderstanding?.answer(to: text) ?? "the request" })
      #expect(given.count == answers)
    }
  }
}
