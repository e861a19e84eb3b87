import Foundation

/// Small tasks for the adapters of the demo.
enum TrainingData {
  static let tasks = ["arithmetic", "capitals", "reverse", "rhymes", "translate"]

  /// Writes a folder for each task, and returns the folder of folders.
  static func write(to folder: URL, tasks: [String] = tasks) throws -> URL {
    let datasets = folder.appendingPathComponent("datasets", isDirectory: true)
    for (number, task) in tasks.enumerated() {
      let place = datasets.appendingPathComponent(task, isDirectory: true)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for (split, count) in [("train", 6), ("test", 2)] {
        let lines = (0..<count).map { line in
          let word = String("abcdefgh".dropFirst((line + number) % 5).prefix(3))
          return
            #"{"prompt":"\#(task) \#(word)\n","response":"\#(String(word.reversed()))\n"}"# + "\n"
        }
        try lines.joined().write(
          to: place.appendingPathComponent("\(split).jsonl"), atomically: false, encoding: .utf8)
      }
    }
    return datasets
  }
}
