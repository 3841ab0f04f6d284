// In place of the package: the SDK loads it for clients that have keys of their own, which this page never is (19 KB compressed).
export {};
