// swift-tools-version: 6.2
import PackageDescription

// SwiftPM checks a dependency out below "…/checkouts/…". A dependency must not make the binary of
// its client specific to one processor, so only the root package is tuned to the machine at hand.
// A dependency by path looks like a root package from here: METEORA_PORTABLE=1 is for its clients.
let isRootPackage = !Context.packageDirectory.contains("/checkouts/")
let isPortable = Context.environment["METEORA_PORTABLE"] == "1"

#if arch(x86_64)
  let nativeFlags = isRootPackage && !isPortable ? ["-Xcc", "-march=native"] : []
#else
  let nativeFlags: [String] = []
#endif

/// Optimised in debug builds too: exact arithmetic over whole models is unusable without.
let optimised: [SwiftSetting] =
  [.unsafeFlags(["-O"], .when(configuration: .debug))]
  + (nativeFlags.isEmpty ? [] : [.unsafeFlags(nativeFlags)])

/// Baseline x86-64 has no fused multiply-add instruction; the compiler then calls `fmaf` of libm.
let fusedMultiplyAdd: [LinkerSetting] = [.linkedLibrary("m", .when(platforms: [.linux]))]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, swiftSettings: optimised,
    linkerSettings: fusedMultiplyAdd)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = []
) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name), "MeteoRAFixtures"] + dependencies,
    swiftSettings: settings)
}

let package = Package(
  name: "meteora",
  platforms: [.macOS(.v14)],
  products: [
    .executable(name: "meteora", targets: ["meteora-cli"]),
    .executable(name: "tiny-demo", targets: ["tiny-demo"]),
    .executable(name: "tiny-data", targets: ["tiny-data"]),
    .library(name: "MeteoRA", targets: ["MeteoRA"]),
    .library(name: "MeteoRATraining", targets: ["MeteoRATraining"]),
    .library(name: "MeteoRAEvaluation", targets: ["MeteoRAEvaluation"]),
    .library(name: "MeteoRALlama", targets: ["MeteoRALlama"]),
    .library(name: "MeteoRAKernels", targets: ["MeteoRAKernels"]),
    .library(name: "MeteoRAMath", targets: ["MeteoRAMath"]),
    .library(name: "MeteoRATokenizers", targets: ["MeteoRATokenizers"]),
    .library(name: "MeteoRASafetensors", targets: ["MeteoRASafetensors"]),
    .library(name: "MeteoRAReports", targets: ["MeteoRAReports"]),
    .library(name: "MeteoRAVerification", targets: ["MeteoRAVerification"]),
  ],
  targets: [
    library("MeteoRASafetensors", ["MeteoRAMath"]),
    library("MeteoRATokenizers", ["MeteoRASafetensors"]),
    library("MeteoRAMath"),
    library("MeteoRAKernels", ["MeteoRAMath"]),
    library("MeteoRALlama", ["MeteoRAKernels", "MeteoRASafetensors"]),
    library("MeteoRA", ["MeteoRALlama", "MeteoRATokenizers"]),
    library("MeteoRATraining", ["MeteoRA"]),
    library("MeteoRAEvaluation", ["MeteoRATraining"]),
    library("TinyTasks", ["MeteoRAEvaluation", "MeteoRATokenizers"]),
    library("MeteoRAReports", ["MeteoRA"]),
    library("MeteoRAVerification", ["MeteoRATraining"]),
    library(
      "MeteoRACommandLine",
      ["MeteoRA", "MeteoRAEvaluation", "MeteoRAReports", "MeteoRATraining", "MeteoRAVerification"]),
    .target(
      name: "MeteoRAFixtures", path: "Fixtures",
      exclude: ["oracle", "README.md"],
      resources: [.copy("golden"), .copy("demo"), .copy("tiny-meteora")]),
    .target(
      name: "MeteoRATestSupport", dependencies: ["MeteoRASafetensors"], path: "Tests/Support",
      swiftSettings: optimised),
    .executableTarget(
      name: "benchmarks", dependencies: ["MeteoRATraining"],
      path: "Benchmarks/benchmarks", swiftSettings: optimised, linkerSettings: fusedMultiplyAdd),
    .executableTarget(
      name: "math-proof", dependencies: ["MeteoRAMath"], path: "Benchmarks/math-proof",
      swiftSettings: optimised, linkerSettings: fusedMultiplyAdd),
    .executableTarget(
      name: "meteora-cli", dependencies: ["MeteoRACommandLine"], swiftSettings: optimised,
      linkerSettings: fusedMultiplyAdd),
    .executableTarget(
      name: "tiny-demo",
      dependencies: ["MeteoRA", "MeteoRAEvaluation", "MeteoRAReports", "MeteoRAFixtures"],
      swiftSettings: optimised, linkerSettings: fusedMultiplyAdd),
    .executableTarget(
      name: "tiny-data", dependencies: ["TinyTasks", "MeteoRACommandLine"],
      swiftSettings: optimised, linkerSettings: fusedMultiplyAdd),
    tests("MeteoRASafetensors"),
    tests("MeteoRATokenizers", ["MeteoRASafetensors"]),
    tests("MeteoRAMath", settings: optimised),
    tests("MeteoRAKernels", ["MeteoRATestSupport"]),
    tests("MeteoRALlama", ["MeteoRATestSupport"]),
    tests("MeteoRA", ["MeteoRATestSupport"]),
    tests("MeteoRATraining", ["MeteoRATestSupport"]),
    tests("MeteoRAEvaluation", ["MeteoRATestSupport"]),
    tests("TinyTasks", ["MeteoRATestSupport", "MeteoRATraining"]),
    tests("MeteoRAReports"),
    tests("MeteoRAVerification"),
    tests("MeteoRACommandLine"),
    .testTarget(name: "BenchmarksTests", dependencies: ["benchmarks"]),
  ],
  swiftLanguageModes: [.v6]
)
